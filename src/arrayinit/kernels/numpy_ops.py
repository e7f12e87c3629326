"""The operations of the portable stream in NumPy, in place where possible."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from arrayinit.stream.coefficients import Fractions
from arrayinit.stream.ops import Array, Ops, Select

# NumPy 2.0 gives zeros the sign of a bound that is zero.
_KEEPS_ZEROS = bool(np.signbit(np.clip(np.full(64, -0.0), 0.0, 1.0)).all())

# From this many numbers on, the work takes longer than the overhead of a NumPy call.
_FEW = 1 << 15


class NumPyOps(Ops):
    """NumPy's operations. NumPy rounds each operation on its own, and works in place where it can.

    The first result and the final clip are written to ``memory``, which saves a copy.
    """

    def __init__(self, memory: np.ndarray[Any, Any] | None = None) -> None:
        self.xp = np
        self.memory = self._unused = memory

    def number(self, k: Array, dtype: Any) -> Array:
        """Write the first result to ``memory``."""
        x, self._unused = self._unused, None
        if x is None:
            return k.astype(dtype)
        np.copyto(x, k, casting="unsafe")
        return x

    def bits(self, x: Array, dtype: str) -> Array:
        """Return a view."""
        return x.view(dtype)

    def over(self, w: float | Array, x: Array) -> Array:
        """Work in place."""
        return np.divide(w, x, out=x)

    def sqrt(self, x: Array) -> Array:
        """Work in place."""
        return np.sqrt(x, out=x)

    def fractions(self, table: Fractions, x: Array) -> Array:
        """Add in one order at every size, unlike np.sum. Few numbers take half of the calls."""
        if x.size >= _FEW:
            return super().fractions(table, x)
        w, s = _columns(table, x.dtype)
        terms = x + s
        total, *others = np.divide(w, terms, out=terms)
        for term in others:
            total += term
        return total

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        """Clip into ``memory`` if given, else in place."""
        out = x if self.memory is None else self.memory
        if _KEEPS_ZEROS or 0.0 not in limits:
            return np.clip(x, *limits, out=out)
        low, high = limits
        np.copyto(out, np.where(x < low, low, np.where(x > high, high, x)))
        return out

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
        index = _set(mask)
        if index.size:
            values[index] = compute(lambda x: x[index])
        return values

    def join(self, real: Array, imaginary: Array) -> Array:
        """Set the real parts, then the imaginary parts."""
        z = np.empty(real.shape, np.result_type(real.dtype, np.complex64))
        z.real, z.imag = real, imaginary
        return z


def _set(mask: Array) -> Array:
    """Return the indices at which a mask is set."""
    if mask.size < _FEW:
        return np.flatnonzero(mask)
    # Search groups of eight first: a hit, one in sixteen, costs NumPy as much as some ten misses.
    eights = np.packbits(mask)
    some = np.flatnonzero(eights != 0)
    bits = np.flatnonzero(np.unpackbits(eights[some]).view(bool))
    index = some[bits >> 3]
    index <<= 3
    bits &= 7
    index += bits
    return index


@cache
def _columns(table: Fractions, dtype: Any) -> tuple[Array, Array]:
    w, s = np.array(table[::-1], dtype).T[:, :, None]
    return w, s


NUMPY = NumPyOps()
