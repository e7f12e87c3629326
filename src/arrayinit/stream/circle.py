"""A random point of the unit circle, by the Taylor series of sine and cosine on an eighth of it either way."""

from __future__ import annotations

from arrayinit.stream.arithmetic import Arithmetic, Array
from arrayinit.stream.coefficients import COSINE, SINE
from arrayinit.stream.quantile import horner
from arrayinit.stream.word import Word


def circle(use: Arithmetic, word: Word) -> tuple[Array, Array]:
    """Return cosine and sine of an angle that is uniform on the circle."""
    turn, (odd, left, lower) = word.eighth(), word.quadrant()
    square = use.rounded(turn * turn)
    terms = 6 if word.size == 32 else 9
    cosine = horner(use, COSINE[:terms], square)
    sine = horner(use, SINE[:terms], square) * turn
    x, y = use.swap(cosine, sine, odd)
    return use.flip(x, left), use.flip(y, lower)
