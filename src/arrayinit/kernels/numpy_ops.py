"""The operations of the portable stream in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from arrayinit.stream.ops import Array, Ops, Select

# NumPy 2.0 gives zeros the sign of a bound that is zero.
_KEEPS_ZEROS = bool(np.signbit(np.clip(np.full(64, -0.0), 0.0, 1.0)).all())


class NumPyOps(Ops):
    """NumPy's operations. NumPy rounds each operation on its own, and works in place where it can."""

    def __init__(self) -> None:
        super().__init__(np)

    def number(self, k: Array, dtype: Any) -> Array:
        return k.astype(dtype)

    def bits(self, x: Array, dtype: str) -> Array:
        """Return a view."""
        return x.view(dtype)

    def over(self, w: float | Array, x: Array) -> Array:
        """Work in place."""
        return np.divide(w, x, out=x)

    def sqrt(self, x: Array) -> Array:
        """Work in place."""
        return np.sqrt(x, out=x)

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        """Clip in place."""
        if _KEEPS_ZEROS or 0.0 not in limits:
            return np.clip(x, *limits, out=x)
        low, high = limits
        np.copyto(x, np.where(x < low, low, np.where(x > high, high, x)))
        return x

    # np.where takes twenty times as long as an operation on bits, where the mask is random.
    def swap(self, x: Array, y: Array, by: Array) -> tuple[Array, Array]:
        """Exchange numbers by the XOR of their bits."""
        a, b = x.view(by.dtype), y.view(by.dtype)
        difference = a ^ b
        difference &= by >> (8 * by.itemsize - 1)
        a ^= difference
        b ^= difference
        return x, y

    def flip(self, x: Array, by: Array) -> Array:
        """Flip the sign bit."""
        bits = x.view(by.dtype)
        bits ^= by & np.iinfo(by.dtype).min
        return x

    def masked_update(self, values: Array, mask: Array, compute: Callable[[Select], Array]) -> Array:
        """Compute the masked elements only."""
        index = np.flatnonzero(mask)
        if index.size:
            values[index] = compute(lambda x: x[index])
        return values

    def join(self, real: Array, imaginary: Array) -> Array:
        """Set the real parts, then the imaginary parts."""
        z = np.empty(real.shape, np.result_type(real.dtype, np.complex64))
        z.real, z.imag = real, imaginary
        return z


NUMPY = NumPyOps()
