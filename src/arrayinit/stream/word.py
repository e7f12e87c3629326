"""A random word as a number, in the forms that the draws need."""

from __future__ import annotations

import math

from arrayinit.core.dtypes import FORMATS, Format
from arrayinit.stream.arithmetic import Arithmetic, Array, Pick


class Word:
    """One word w for each element: 32 bits, all of them used, in float32; 64, of which the first 53 are, in float64."""

    def __init__(self, use: Arithmetic, w: Array, form: Format) -> None:
        self.use, self.w, self.dtype = use, w, getattr(use.xp, form.compute)
        self.form = FORMATS[form.compute]
        self.size, self.used, self.precision = (64, 53, 53) if form.compute == "float64" else (32, 32, 24)

    def integer(self) -> Array:
        """Return the first 24 or 53 bits, as numbers; the word is overwritten."""
        self.w >>= self.size - self.precision
        # Signed, since that converts faster.
        return self.use.number(self.use.bits(self.w, f"int{self.size}"), self.dtype)

    def scaled(self, x: Array, power: int, factor: float) -> Array:
        """Return x 2^power times ``factor``, in one product where that is rounded as it would be in two; in place."""
        product = math.ldexp(factor, power)
        for once in (product,) if product >= 2.0**self.form.emin else (2.0**power, factor):
            x *= once
        return x

    def lower(self, factor: float = 1.0) -> Array:
        """Return u in (0, 1) times ``factor``, precise near 0: the middle of its interval of length 2^-32 or 2^-53."""
        return self._middle(self.w, factor)

    def upper(self, factor: float = 1.0) -> Array:
        """Return 1 - u times ``factor``, precise near 0."""
        return self._middle(~self.w, factor)

    def nearer(self, factor: float) -> tuple[Array, Array]:
        """Return the lesser of u and 1 - u times ``factor``, and integers that are negative where that is 1 - u.

        The word is overwritten.
        """
        k = self.use.bits(self.w, f"int{self.size}")
        sign = k >> (self.size - 1)
        k ^= sign
        return self._middle(k, factor), sign

    def offset(self) -> Array:
        """Return u - 1/2, precise near 0; the word is overwritten, and fit for `tail` alone."""
        self.w = self.use.bits(self.w, f"int{self.size}")
        self.w ^= -(1 << (self.size - 1))
        return self._middle(self.w)

    def tail(self, pick: Pick) -> Array:
        """Return the lesser of u and 1 - u, for the elements picked, after `offset`."""
        k = pick(self.w)
        sign = k >> (self.size - 1)
        return self._middle((k ^ sign) ^ ((1 << (self.size - 1)) - 1))

    def quadrant(self) -> tuple[Array, Array, Array]:
        """Return integers that are negative where the first two bits, read as a number, are odd; 1 or 2; 2 or more."""
        next_bit = self.w << 1
        return tuple(self.use.bits(k, f"int{self.size}") for k in (next_bit, next_bit ^ self.w, self.w))

    def eighth(self) -> Array:
        """Return what follows the first two bits as a number in (-1/8, 1/8)."""
        below = (1 << (self.size - 2)) - 1
        rest = self.use.bits(self.w & below, f"int{self.size}") - (1 << (self.size - 3))
        return self._middle(rest)

    def _middle(self, k: Array, factor: float = 1.0) -> Array:
        """Return (k' + 1/2) / 2^used times ``factor``, k' being the bits of k that are used."""
        x = self.use.number(k if self.size == self.used else k >> (self.size - self.used), self.dtype)
        x += 0.5
        return self.scaled(x, -self.used, factor)
