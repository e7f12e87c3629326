"""A random point of the unit circle, by the Taylor series of sine and cosine on an eighth of it either way."""

from __future__ import annotations

from arrayinit.random.arithmetic import Arithmetic, Array
from arrayinit.random.coefficients import COSINE, SINE
from arrayinit.random.quantile import horner
from arrayinit.random.word import Word


def circle(use: Arithmetic, word: Word) -> tuple[Array, Array]:
    """Return cosine and sine of an angle that is uniform on the circle."""
    xp = use.xp
    turn, quadrant = word.eighth(), word.quadrant()
    square = use.rounded(turn * turn)
    terms = 6 if word.size == 32 else 9
    cosine = horner(use, COSINE[:terms], square)
    sine = horner(use, SINE[:terms], square) * turn
    odd, left, lower = (quadrant & 1) == 1, (quadrant == 1) | (quadrant == 2), quadrant >= 2
    x, y = xp.where(odd, sine, cosine), xp.where(odd, cosine, sine)
    return xp.where(left, -x, x), xp.where(lower, -y, y)
