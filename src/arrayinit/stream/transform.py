"""Turn random words into draws. Each element has its own words, and every platform rounds each step alike."""

from __future__ import annotations

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
    """Return the streams; an element takes one word from each."""
    return range(2 if dtype.is_complex else 1)


def transform(ops: Ops, distribution: Distribution, words: Sequence[Array], dtype: FloatFormat) -> Array:
    """Turn the words of each of the `streams` into draws within the distribution's bounds in ``dtype``.

    The draws have the dtype ``dtype.compute``.
    """
    limits = ops.parameters(distribution.limits(dtype))
    if not dtype.is_complex:
        x = _real(ops, distribution, Word(ops, words[0], dtype))
        return ops.no_fma(x) if limits is None else ops.clip(x, limits)
    first, second = (Word(ops, w, FORMATS[dtype.real]) for w in words)
    match ops.parameters(distribution):
        case Disk(centre, radius):
            return _polar(ops, ops.sqrt(first.lower()) * radius, second, centre)
        case TruncatedComplexNormal(std):
            return _polar(ops, truncated_modulus(ops, first) * std, second, 0.0)
        case Normal(mean) as normal:
            part = normal.part()
            x = _plus(_real(ops, part, first), mean)
            return ops.join(ops.no_fma(x), _real(ops, part, second))
        case _:
            raise AssertionError(f"{distribution} is drawn in real dtypes only")


def _polar(ops: Ops, modulus: Array, word: Word, centre: float) -> Array:
    cosine, sine = _circle(ops, word)
    x = _plus(ops.no_fma(modulus * cosine), centre)
    return ops.join(ops.no_fma(x), ops.no_fma(modulus * sine))


def _real(ops: Ops, distribution: Distribution, word: Word) -> Array:
    match ops.parameters(distribution):
        case Uniform(low, high):
            return _uniform(ops, word, low, high)
        case Normal(mean, 0.0):
            # A product with std = 0 would leave zeros of both signs.
            return _plus(ops.xp.zeros_like(word.integer()), mean)
        case Normal(mean, std):
            z = quantile(ops, word.offset(), word.tail)
            z *= std
            return _plus(ops.no_fma(z), mean)
        case TruncatedNormal():
            return truncated_normal(ops, word, ops.parameters(truncation(distribution)), _central, minus_log2)
        case _:
            raise AssertionError(f"{distribution} is drawn in complex dtypes only")


def _uniform(ops: Ops, word: Word, low: float, high: float) -> Array:
    u = word.integer()
    if low == -high != 0:
        # The difference is exact, so the result is rounded once.
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
        # Both sides are symmetric: take the probability on the side of the draw.
        lesser, side = word.nearer(plan.width)
        p = ops.no_fma(lesser)
        p += plan.below
        q = ops.flip(ops.no_fma(p) - 0.5, side)
    else:
        # The probabilities below and above the draw, each precise where that probability is small.
        below, above = ops.no_fma(word.lower(plan.width)), ops.no_fma(word.upper(plan.width))
        below += plan.below
        above += plan.above
        p = ops.xp.minimum(below, above)
        below -= above
        q = ops.flip(0.5 - p, ops.bits(below, f"int{word.size}"))
    return quantile(ops, q, lambda select: select(p))


def _is_even(plan: Central, dtype: FloatFormat) -> bool:
    """Whether both sides have equal probabilities, and rounding leaves their boundary at exactly 1/2."""
    middle = 0.5 * dtype.nearest(plan.width) + dtype.nearest(plan.below)
    return plan.below == plan.above and dtype.nearest(middle) == 0.5


def _circle(ops: Ops, word: Word) -> tuple[Array, Array]:
    """Return cosine and sine of a uniform angle on the circle, by Taylor series on one eighth of the circle."""
    turn, (odd, left, lower) = word.eighth(), word.quadrant()
    square = ops.no_fma(turn * turn)
    terms = 6 if word.size == 32 else 9
    cosine = horner(ops, COSINE[:terms], square)
    sine = horner(ops, SINE[:terms], square) * turn
    x, y = ops.swap(cosine, sine, odd)
    return ops.flip(x, left), ops.flip(y, lower)


class Word:
    """One word w for each element: 32 bits for float32, all used; 64 bits for float64, the first 53 used."""

    def __init__(self, ops: Ops, w: Array, dtype: FloatFormat) -> None:
        self.ops, self.w, self.dtype = ops, w, FORMATS[dtype.compute]
        self.size, self.used, self.precision = (64, 53, 53) if dtype.compute == "float64" else (32, 32, 24)

    def integer(self) -> Array:
        """Return the first 24 or 53 bits as numbers; overwrites the word."""
        self.w >>= self.size - self.precision
        # Signed integers convert faster.
        return self.ops.number(self.ops.bits(self.w, f"int{self.size}"), getattr(self.ops.xp, self.dtype.name))

    def scaled(self, x: Array, power: int, factor: float) -> Array:
        """Return x 2^power times ``factor``, in place; in one product where that gives the same bits as two."""
        product = factor * 2.0**power
        for once in (product,) if product >= 2.0**self.dtype.emin else (2.0**power, factor):
            x *= once
        return x

    def lower(self, factor: float = 1.0) -> Array:
        """Return u times ``factor``, precise near 0; u in (0, 1) is the midpoint of an interval of 2^-32 or 2^-53."""
        return self._middle(self.w, factor)

    def upper(self, factor: float = 1.0) -> Array:
        """Return 1 - u times ``factor``, precise near 0."""
        return self._middle(~self.w, factor)

    def nearer(self, factor: float) -> tuple[Array, Array]:
        """Return min(u, 1 - u) times ``factor``, and integers that are negative where the minimum is 1 - u.

        Overwrites the word.
        """
        k = self.ops.bits(self.w, f"int{self.size}")
        sign = k >> (self.size - 1)
        k ^= sign
        return self._middle(k, factor), sign

    def offset(self) -> Array:
        """Return u - 1/2, precise near 0; overwrites the word, which only `tail` may use afterwards."""
        self.w = self.ops.bits(self.w, f"int{self.size}")
        self.w ^= -(1 << (self.size - 1))
        return self._middle(self.w)

    def tail(self, select: Select) -> Array:
        """Return min(u, 1 - u) for the selected elements; call `offset` first."""
        k = select(self.w)
        sign = k >> (self.size - 1)
        return self._middle((k ^ sign) ^ ((1 << (self.size - 1)) - 1))

    def quadrant(self) -> tuple[Array, Array, Array]:
        """Read the first two bits as a number; return integers that are negative where it is odd; 1 or 2; 2 or more."""
        next_bit = self.w << 1
        return tuple(self.ops.bits(k, f"int{self.size}") for k in (next_bit, next_bit ^ self.w, self.w))

    def eighth(self) -> Array:
        """Return the bits after the first two as a number in (-1/8, 1/8)."""
        below = (1 << (self.size - 2)) - 1
        rest = self.ops.bits(self.w & below, f"int{self.size}") - (1 << (self.size - 3))
        return self._middle(rest)

    def _middle(self, k: Array, factor: float = 1.0) -> Array:
        """Return (k' + 1/2) / 2^used times ``factor``, where k' is the used bits of k."""
        x = self.ops.number(
            k if self.size == self.used else k >> (self.size - self.used), getattr(self.ops.xp, self.dtype.name)
        )
        x += 0.5
        return self.scaled(x, -self.used, factor)
