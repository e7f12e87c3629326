"""From random words to draws: one element, its own words, and nothing that a platform may round differently."""

from __future__ import annotations

from collections.abc import Sequence

from arrayinit.core.distributions import (
    Disk,
    Distribution,
    Limits,
    Normal,
    TruncatedComplexNormal,
    TruncatedNormal,
    Uniform,
)
from arrayinit.core.dtypes import FORMATS, Format
from arrayinit.core.truncation import truncation
from arrayinit.stream.arithmetic import Arithmetic, Array
from arrayinit.stream.circle import circle
from arrayinit.stream.quantile import minus_log2, quantile
from arrayinit.stream.truncated import central, truncated_modulus, truncated_normal
from arrayinit.stream.word import Word


def streams(form: Format) -> range:
    """Return the streams that an element takes one word of each from."""
    return range(2 if form.is_complex else 1)


def word_dtype(form: Format) -> str:
    """Return the dtype of the words."""
    return "uint64" if FORMATS[form.compute].real == "float64" else "uint32"


def values(use: Arithmetic, distribution: Distribution, words: Sequence[Array], form: Format) -> Array:
    """Turn the words of each of the `streams` into draws within the distribution's bounds in ``form``.

    They have the dtype that ``form`` is computed in.
    """
    limits = distribution.limits(form)
    if not form.is_complex:
        return _clip(use, _real(use, distribution, Word(use, words[0], form)), limits)
    first, second = (Word(use, w, FORMATS[form.real]) for w in words)
    match distribution:
        case Disk(centre, radius):
            return _polar(use, use.sqrt(first.lower()) * radius, second, centre)
        case TruncatedComplexNormal(std):
            return _polar(use, truncated_modulus(use, first) * std, second, 0.0)
        case Normal(mean):
            part = distribution.part()
            x = _plus(_real(use, part, first), mean)
            return use.join(use.rounded(x), _real(use, part, second))
        case _:
            raise AssertionError(f"{distribution} is drawn in real dtypes only")


def _polar(use: Arithmetic, modulus: Array, word: Word, centre: float) -> Array:
    cosine, sine = circle(use, word)
    x = _plus(use.rounded(modulus * cosine), centre)
    return use.join(use.rounded(x), use.rounded(modulus * sine))


def _real(use: Arithmetic, distribution: Distribution, word: Word) -> Array:
    match distribution:
        case Uniform(low, high):
            return _uniform(use, word, low, high)
        case Normal(mean, 0.0):
            # Without the signs of zeros that a product would leave.
            return _plus(use.xp.zeros_like(word.integer()), mean)
        case Normal(mean, std):
            z = quantile(use, word.offset(), word.tail)
            z *= std
            return _plus(use.rounded(z), mean)
        case TruncatedNormal():
            return truncated_normal(use, word, truncation(distribution), central, minus_log2)
        case _:
            raise AssertionError(f"{distribution} is drawn in complex dtypes only")


def _uniform(use: Arithmetic, word: Word, low: float, high: float) -> Array:
    u = word.integer()
    if low == -high != 0:
        # One rounding: the difference is exact.
        u -= 2.0 ** (word.precision - 1)
        return word.scaled(u, -word.precision, high - low)
    return _plus(use.rounded(word.scaled(u, -word.precision, high - low)), low)


def _plus(x: Array, shift: float) -> Array:
    if shift:
        x += shift
    return x


def _clip(use: Arithmetic, x: Array, limits: Limits) -> Array:
    return use.rounded(x) if limits is None else use.clip(x, limits)
