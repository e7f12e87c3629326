"""From random words to draws: each element has its own words, and no platform can round a step differently."""

from __future__ import annotations

import math
from collections.abc import Sequence

from arrayinit.core.distributions import (
    Disk,
    Distribution,
    Normal,
    TruncatedComplexNormal,
    TruncatedNormal,
    Uniform,
)
from arrayinit.core.dtypes import FORMATS, FloatFormat
from arrayinit.core.truncation import Central, truncation
from arrayinit.stream.coefficients import COSINE, SINE
from arrayinit.stream.ops import Array, Ops, Select
from arrayinit.stream.quantile import horner, minus_log2, quantile
from arrayinit.stream.truncated import truncated_modulus, truncated_normal


def streams(dtype: FloatFormat) -> range:
    """Return the streams that an element takes one word of each from."""
    return range(2 if dtype.is_complex else 1)


def transform(ops: Ops, distribution: Distribution, words: Sequence[Array], dtype: FloatFormat) -> Array:
    """Turn the words of each of the `streams` into draws within the distribution's bounds in ``dtype``.

    They have the dtype that ``dtype`` is computed in.
    """
    limits = distribution.limits(dtype)
    if not dtype.is_complex:
        x = _real(ops, distribution, Word(ops, words[0], dtype))
        return ops.no_fma(x) if limits is None else ops.clip(x, limits)
    first, second = (Word(ops, w, FORMATS[dtype.real]) for w in words)
    match distribution:
        case Disk(centre, radius):
            return _polar(ops, ops.sqrt(first.lower()) * radius, second, centre)
        case TruncatedComplexNormal(std):
            return _polar(ops, truncated_modulus(ops, first) * std, second, 0.0)
        case Normal(mean):
            part = distribution.part()
            x = _plus(_real(ops, part, first), mean)
            return ops.join(ops.no_fma(x), _real(ops, part, second))
        case _:
            raise AssertionError(f"{distribution} is drawn in real dtypes only")


def _polar(ops: Ops, modulus: Array, word: Word, centre: float) -> Array:
    cosine, sine = _circle(ops, word)
    x = _plus(ops.no_fma(modulus * cosine), centre)
    return ops.join(ops.no_fma(x), ops.no_fma(modulus * sine))


def _real(ops: Ops, distribution: Distribution, word: Word) -> Array:
    match distribution:
        case Uniform(low, high):
            return _uniform(ops, word, low, high)
        case Normal(mean, 0.0):
            # Without the signs of zeros that a product would leave.
            return _plus(ops.xp.zeros_like(word.integer()), mean)
        case Normal(mean, std):
            z = quantile(ops, word.offset(), word.tail)
            z *= std
            return _plus(ops.no_fma(z), mean)
        case TruncatedNormal():
            return truncated_normal(ops, word, truncation(distribution), _central, minus_log2)
        case _:
            raise AssertionError(f"{distribution} is drawn in complex dtypes only")


def _uniform(ops: Ops, word: Word, low: float, high: float) -> Array:
    u = word.integer()
    if low == -high != 0:
        # One rounding: the difference is exact.
        u -= 2.0 ** (word.precision - 1)
        return word.scaled(u, -word.precision, high - low)
    return _plus(ops.no_fma(word.scaled(u, -word.precision, high - low)), low)


def _plus(x: Array, shift: float) -> Array:
    if shift:
        x += shift
    return x


def _central(ops: Ops, word: Word, plan: Central) -> Array:
    """Return z with Phi(z) = below + u * width."""
    if _is_even(plan, word.dtype):
        # The probability on the side where the draw is, which both sides have alike.
        lesser, side = word.nearer(plan.width)
        p = ops.no_fma(lesser)
        p += plan.below
        q = ops.flip(ops.no_fma(p) - 0.5, side)
    else:
        # The probabilities below and above the draw, each precise where it is small.
        below, above = ops.no_fma(word.lower(plan.width)), ops.no_fma(word.upper(plan.width))
        below += plan.below
        above += plan.above
        p = ops.xp.minimum(below, above)
        below -= above
        q = ops.flip(0.5 - p, ops.bits(below, f"int{word.size}"))
    return quantile(ops, q, lambda select: select(p))


def _is_even(plan: Central, dtype: FloatFormat) -> bool:
    """Whether both sides are alike, and meet at 1/2 as it is rounded."""
    middle = 0.5 * dtype.nearest(plan.width) + dtype.nearest(plan.below)
    return plan.below == plan.above and dtype.nearest(middle) == 0.5


def _circle(ops: Ops, word: Word) -> tuple[Array, Array]:
    """Return cosine and sine of an angle that is uniform on the circle, by Taylor series on an eighth of it."""
    turn, (odd, left, lower) = word.eighth(), word.quadrant()
    square = ops.no_fma(turn * turn)
    terms = 6 if word.size == 32 else 9
    cosine = horner(ops, COSINE[:terms], square)
    sine = horner(ops, SINE[:terms], square) * turn
    x, y = ops.swap(cosine, sine, odd)
    return ops.flip(x, left), ops.flip(y, lower)


class Word:
    """One word w for each element: 32 bits, all of them used, in float32; 64, of which the first 53 are, in float64."""

    def __init__(self, ops: Ops, w: Array, dtype: FloatFormat) -> None:
        self.ops, self.w, self.dtype = ops, w, FORMATS[dtype.compute]
        self.size, self.used, self.precision = (64, 53, 53) if dtype.compute == "float64" else (32, 32, 24)

    def integer(self) -> Array:
        """Return the first 24 or 53 bits, as numbers; the word is overwritten."""
        self.w >>= self.size - self.precision
        # Signed, since that converts faster.
        return self.ops.number(self.ops.bits(self.w, f"int{self.size}"), getattr(self.ops.xp, self.dtype.name))

    def scaled(self, x: Array, power: int, factor: float) -> Array:
        """Return x 2^power times ``factor``, in one product where that is rounded as it would be in two; in place."""
        product = math.ldexp(factor, power)
        for once in (product,) if product >= 2.0**self.dtype.emin else (2.0**power, factor):
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
        k = self.ops.bits(self.w, f"int{self.size}")
        sign = k >> (self.size - 1)
        k ^= sign
        return self._middle(k, factor), sign

    def offset(self) -> Array:
        """Return u - 1/2, precise near 0; the word is overwritten, and fit for `tail` alone."""
        self.w = self.ops.bits(self.w, f"int{self.size}")
        self.w ^= -(1 << (self.size - 1))
        return self._middle(self.w)

    def tail(self, select: Select) -> Array:
        """Return the lesser of u and 1 - u, for the elements picked, after `offset`."""
        k = select(self.w)
        sign = k >> (self.size - 1)
        return self._middle((k ^ sign) ^ ((1 << (self.size - 1)) - 1))

    def quadrant(self) -> tuple[Array, Array, Array]:
        """Return integers that are negative where the first two bits, read as a number, are odd; 1 or 2; 2 or more."""
        next_bit = self.w << 1
        return tuple(self.ops.bits(k, f"int{self.size}") for k in (next_bit, next_bit ^ self.w, self.w))

    def eighth(self) -> Array:
        """Return what follows the first two bits as a number in (-1/8, 1/8)."""
        below = (1 << (self.size - 2)) - 1
        rest = self.ops.bits(self.w & below, f"int{self.size}") - (1 << (self.size - 3))
        return self._middle(rest)

    def _middle(self, k: Array, factor: float = 1.0) -> Array:
        """Return (k' + 1/2) / 2^used times ``factor``, k' being the bits of k that are used."""
        x = self.ops.number(
            k if self.size == self.used else k >> (self.size - self.used), getattr(self.ops.xp, self.dtype.name)
        )
        x += 0.5
        return self.scaled(x, -self.used, factor)
