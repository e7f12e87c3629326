"""A random word as a number, in the forms that the draws need."""

from __future__ import annotations

from arrayinit.core.dtypes import Format
from arrayinit.random.arithmetic import Arithmetic, Array, Pick


class Word:
    """One word w for each element: 32 bits, all of them used, in float32; 64, of which the first 53 are, in float64."""

    def __init__(self, use: Arithmetic, w: Array, form: Format) -> None:
        self.use, self.w, self.dtype = use, w, getattr(use.xp, form.compute)
        self.size, self.used = (64, 53) if form.compute == "float64" else (32, 32)

    def fraction(self) -> Array:
        """Return the uniform number on [0, 1) that NumPy makes of the word: its first 24 or 53 bits."""
        precision = 53 if self.size == 64 else 24
        # Signed, since that converts faster.
        k = self.use.bits(self.w >> (self.size - precision), f"int{self.size}")
        u = self.use.xp.astype(k, self.dtype)
        u *= 2.0**-precision
        return u

    def lower(self) -> Array:
        """Return u in (0, 1), precise near 0: the middle of its interval of length 2^-32 or 2^-53."""
        return self._middle(self.w)

    def upper(self) -> Array:
        """Return 1 - u, precise near 0."""
        return self._middle(~self.w)

    def offset(self) -> Array:
        """Return u - 1/2, precise near 0."""
        return self._middle(self.use.bits(self.w, f"int{self.size}") ^ -(1 << (self.size - 1)))

    def tail(self, pick: Pick) -> Array:
        """Return the lesser of u and 1 - u, for the elements picked."""
        w = pick(self.w)
        return self._middle(self.use.xp.minimum(w, ~w))

    def quadrant(self) -> Array:
        """Return the first two bits."""
        return self.w >> (self.size - 2)

    def eighth(self) -> Array:
        """Return what follows the first two bits as a number in (-1/8, 1/8)."""
        below = (1 << (self.size - 2)) - 1
        rest = self.use.bits(self.w & below, f"int{self.size}") - (1 << (self.size - 3))
        return self._middle(rest)

    def _middle(self, k: Array) -> Array:
        """Return (k' + 1/2) / 2^used, k' being the bits of k that are used."""
        x = self.use.xp.astype(k if self.size == self.used else k >> (self.size - self.used), self.dtype)
        x += 0.5
        x *= 2.0**-self.used
        return x
