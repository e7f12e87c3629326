"""The orthonormal factor of a matrix of normal numbers: Q of A = QR with a positive diagonal of R."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from arrayinit.backends.protocol import Array

_SMALL = 64
"""So many rows or fewer are as fast by a QR decomposition."""

_SINGLE = 32
"""Bits of a real number of single precision."""


def by_qr(xp: Any, a: Array) -> Array:
    """Return Q, and of a wide matrix that of its transpose, transposed, by the QR decomposition of the library."""
    return _of_columns(xp, a, _by_qr)


def by_blocks(xp: Any, a: Array) -> Array:
    """Return the same of a large matrix of single precision in float64, to all digits, and nearly all by products.

    One after another a GPU would take the columns, and NumPy in float64 too, for twice the time on one thread.
    """
    is_large = max(a.shape[-2:]) > _SMALL and xp.finfo(a.dtype).bits <= _SINGLE
    return _of_columns(xp, a, _by_blocks if is_large else _by_qr)


def _of_columns(xp: Any, a: Array, decompose: Callable[[Any, Array], Array]) -> Array:
    if a.shape[-2] < a.shape[-1]:
        return xp.matrix_transpose(decompose(xp, xp.matrix_transpose(a)))
    return decompose(xp, a)


def _by_qr(xp: Any, a: Array) -> Array:
    q, r = xp.linalg.qr(a)
    q *= xp.expand_dims(_phase(xp, xp.linalg.diagonal(r)), axis=-2)
    return q


def _phase(xp: Any, d: Array) -> Array:
    """Return d / abs(d), and not zero for a zero, which leaves its column of Q as it is."""
    if not _is_complex(xp, d):
        return xp.copysign(xp.ones_like(d), d)
    size = xp.abs(d)
    return xp.where(size > 0, d / xp.where(size > 0, size, xp.ones_like(size)), xp.ones_like(d))


def _by_blocks(xp: Any, a: Array) -> Array:
    double = xp.complex128 if _is_complex(xp, a) else xp.float64
    return xp.concat(list(_blocks(xp, xp.astype(a, double))), axis=-1)


def _blocks(xp: Any, a: Array) -> Iterator[Array]:
    r"""Yield the columns of Q, block by block: a modified Gram-Schmidt process, which overwrites ``a``.

    Of a block :math:`B` the Cholesky factor of :math:`B^H B = LL^H` gives the columns :math:`B L^{-H}`. This squares
    the condition number, but B, orthogonal to the columns before it, is a normal matrix in m dimensions, four times as
    many as its columns: a condition number near 3, and one above 1000 with a chance below 1e-90 (Chen & Dongarra).
    What is nearly square, and so may be nearly singular, is left to the QR decomposition.

    Å. Björck, "Solving linear least squares problems by Gram-Schmidt orthogonalization", 1967. Z. Chen, J. Dongarra,
    "Condition numbers of Gaussian random matrices", 2005.
    """
    m = a.shape[-2]
    while m > _SMALL and a.shape[-1]:
        width = min(m // 4, a.shape[-1])
        block, a = a[..., :width], a[..., width:]
        factor = xp.linalg.cholesky(_adjoint(xp, block) @ block)
        q = block @ _adjoint(xp, xp.linalg.inv(factor))
        yield q
        a -= q @ (_adjoint(xp, q) @ a)
        m -= width
    if a.shape[-1]:
        yield _by_qr(xp, a)


def _adjoint(xp: Any, a: Array) -> Array:
    return xp.matrix_transpose(xp.conj(a) if _is_complex(xp, a) else a)


def _is_complex(xp: Any, a: Array) -> bool:
    return bool(xp.isdtype(a.dtype, "complex floating"))
