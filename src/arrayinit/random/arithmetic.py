"""The operations that the portable stream is computed with, so that every library gives the same bits.

They are those that IEEE 754 rounds in one way only: + - * / sqrt, conversions, comparisons and operations on bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat.numpy
import numpy as np

Array = Any
Pick = Callable[[Array], Array]
"""Takes from an array the elements that are wanted."""


class Arithmetic:
    """Any library's, as it comes; the methods say where one is to be kept from changing an expression."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def rounded(self, x: Array) -> Array:
        """Return ``x`` as it is rounded: what made it is not to be fused with what takes it, a product with a sum."""
        return x

    def over(self, w: float | Array, x: Array) -> Array:
        """Return w / x; ``x`` may be overwritten."""
        return w / x

    def sqrt(self, x: Array) -> Array:
        """Return the square root."""
        return self.xp.sqrt(x)

    def bits(self, x: Array, dtype: str) -> Array:
        """Return the bits of ``x`` as another dtype of the same size."""
        return x.view(getattr(self.xp, dtype))

    def patch(self, values: Array, mask: Array, compute: Callable[[Pick], Array]) -> Array:
        """Return ``values``, and where ``mask`` is set what ``compute`` makes of the elements picked there."""
        return self.xp.where(mask, compute(lambda x: x), values)

    def join(self, real: Array, imaginary: Array) -> Array:
        """Return the complex numbers of these parts, without arithmetic, which would make NaN of infinite ones."""
        raise NotImplementedError


class NumPyArithmetic(Arithmetic):
    """NumPy's, which computes what it is told, one operation at a time."""

    def over(self, w: float | Array, x: Array) -> Array:
        """In place."""
        return np.divide(w, x, out=x)

    def patch(self, values: Array, mask: Array, compute: Callable[[Pick], Array]) -> Array:
        """Nothing is computed that is not wanted."""
        index = np.flatnonzero(mask)
        if index.size:
            values[index] = compute(lambda x: x[index])
        return values

    def join(self, real: Array, imaginary: Array) -> Array:
        """Part by part."""
        z = np.empty(real.shape, np.result_type(real.dtype, np.complex64))
        z.real, z.imag = real, imaginary
        return z


NUMPY = NumPyArithmetic(array_api_compat.numpy)
