"""The operations of the portable stream: every library gives the same bits for them.

IEEE 754 defines the rounding of each: + - * / sqrt, conversions, comparisons and operations on bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from arrayinit.stream.coefficients import Fractions

Array = Any
_T = TypeVar("_T")
Select = Callable[[Array], Array]
"""Selects the wanted elements of an array."""


class Ops:
    """The operations in any array library. A kernel overrides an operation that its compiler changes or runs slowly."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def parameters(self, of: _T) -> _T:
        """Return a distribution, a plan or limits. A recording marks their numbers, which differ from draw to draw."""
        return of

    def number(self, k: Array, dtype: Any) -> Array:
        """Return integers as numbers of another dtype, in an array that may be overwritten."""
        return self.xp.astype(k, dtype)

    def no_fma(self, x: Array) -> Array:
        """Rounding barrier: keep the compiler from contracting ``x * y`` and a following ``+`` into one FMA."""
        return x

    def over(self, w: float | Array, x: Array) -> Array:
        """Return w / x; ``x`` may be overwritten."""
        return w / x

    def fractions(self, table: Fractions, x: Array) -> Array:
        """Return the sum of w / (x + s), added from the last fraction to the first."""
        total = self.over(table[-1][0], x + table[-1][1])
        for w, s in table[-2::-1]:
            total += self.over(w, x + s)
        return total

    def sqrt(self, x: Array) -> Array:
        """Return the square root of ``x``, which may be overwritten."""
        return self.xp.sqrt(x)

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        """Return ``x``, which may be overwritten, clipped to the closed interval."""
        return self.xp.clip(x, *limits)

    def bits(self, x: Array, dtype: str) -> Array:
        """Return the bits of ``x`` as another dtype of the same size."""
        return x.view(getattr(self.xp, dtype))

    def swap(self, x: Array, y: Array, by: Array) -> tuple[Array, Array]:
        """Return (x, y), exchanged where the same-size integers ``by`` are negative. All three may be overwritten."""
        return self.xp.where(by < 0, y, x), self.xp.where(by < 0, x, y)

    def flip(self, x: Array, by: Array) -> Array:
        """Return x, negated where the same-size integers ``by`` are negative. Both may be overwritten."""
        return self.xp.where(by < 0, -x, x)

    def masked_update(self, values: Array, mask: Array, compute: Callable[[Select], Array]) -> Array:
        """Return ``values`` with the elements where ``mask`` is set replaced by what ``compute`` returns.

        ``compute`` gets a function that selects the masked elements of an array, as a copy or as a read-only array.
        """
        return self.xp.where(mask, compute(lambda x: x), values)

    def join(self, real: Array, imaginary: Array) -> Array:
        """Return complex numbers from their parts without arithmetic, which would turn infinite parts into NaN."""
        raise NotImplementedError
