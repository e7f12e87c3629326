"""The orthonormal factor Q of a normal random matrix A = QR, where R has a positive diagonal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from arrayinit.backends.protocol import Array

_SMALL = 64
"""Up to this many rows, a QR decomposition is as fast."""

_SINGLE = 32
"""Bits of a real number in single precision."""


def by_qr(xp: Any, a: Array) -> Array:
    """Return Q by the library's QR decomposition. A wide matrix is transposed before and after."""
    return _of_columns(xp, a, _by_qr)


def by_blocks(xp: Any, a: Array) -> Array:
    """Return the same Q. A large single-precision matrix is computed in float64, mostly by matrix products.

    The result has all digits of single precision. A QR decomposition takes column after column on a GPU, and also in
    NumPy in float64, where it takes twice the time on one thread.
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
    """Return d / abs(d), and 1 for a complex zero, which leaves its column of Q unchanged."""
    if not _is_complex(xp, d):
        return xp.copysign(xp.ones_like(d), d)
    size = xp.abs(d)
    return xp.where(size > 0, d / xp.where(size > 0, size, xp.ones_like(size)), xp.ones_like(d))


def _by_blocks(xp: Any, a: Array) -> Array:
    double = xp.complex128 if _is_complex(xp, a) else xp.float64
    return xp.concat(list(_blocks(xp, xp.astype(a, double))), axis=-1)


def _blocks(xp: Any, a: Array) -> Iterator[Array]:
    r"""Yield the columns of Q, block by block, by a modified Gram-Schmidt process; overwrites ``a``.

    The Cholesky factor of :math:`B^H B = LL^H` gives the columns :math:`B L^{-H}` of a block :math:`B`. This squares
    the condition number of B. But B, orthogonal to the columns before it, is a normal matrix in m dimensions, four
    times as many as its columns. Its condition number is near 3, and above 1000 with a chance below 1e-90 (Chen &
    Dongarra). A nearly square rest may be nearly singular, and is left to the QR decomposition.

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
