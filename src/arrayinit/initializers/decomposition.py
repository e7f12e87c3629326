"""The orthonormal factor of a matrix of normal numbers: Q of A = QR with a positive diagonal of R."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from arrayinit.backends.protocol import Array

_SMALL = 64
"""So many rows or fewer are as fast by a QR decomposition."""

_SINGLE = 32
"""Bits of a real number of single precision."""

_OWN = ("array_api_compat.torch", "jax.numpy")
"""Namespaces with a QR decomposition in float32."""


def orthonormal(xp: Any, a: Array, *, portable: bool) -> Array:
    """Return Q, in float64 or in the dtype of ``a``, and of a wide matrix that of its transpose, transposed.

    A library's own QR decomposition gives torch's bits to torch's own generators, and is as fast where it computes
    float32 as such. NumPy's is in float64 even then, and takes twice as long as `_by_blocks` on one thread. A GPU would
    take the columns one after another, and here multiplies matrices.
    """
    if isinstance(a, np.ndarray) or (xp.__name__ == "jax.numpy" and _is_on_host(a)):
        xp, a = np, np.asarray(a)
    is_wide = a.shape[-2] < a.shape[-1]
    a = xp.matrix_transpose(a) if is_wide else a
    is_portable_on_gpu = portable and getattr(a, "is_cuda", False)
    is_own_faster = xp.__name__ in _OWN and not is_portable_on_gpu
    is_small = a.shape[-2] <= _SMALL
    q = _by_qr(xp, a) if is_own_faster or is_small or xp.finfo(a.dtype).bits > _SINGLE else _by_blocks(xp, a)
    return xp.matrix_transpose(q) if is_wide else q


def _is_on_host(a: Array) -> bool:
    """Whether this process has all values of a JAX array in host memory; of a tracer they are not known."""
    if not hasattr(a, "__dlpack_device__"):
        return False
    return bool(a.is_fully_addressable) and all(device.platform == "cpu" for device in a.devices())


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
    """Return Q of a matrix of single precision, by float64 to all its digits."""
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
