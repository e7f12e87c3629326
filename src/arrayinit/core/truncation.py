"""How a truncated normal is drawn from one uniform number: the bounds decide where to invert the CDF.

The scalars are computed in decimal arithmetic with 50 digits and rounded to float64 at the end: they are the same on
every platform. In all methods but `Central`, an interval that lies mostly above the mean is ``mirrored``, with a
negative ``scale``. The upper bound is then the near bound, and floating point resolves the tail of the CDF below it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from arrayinit.core.distributions import TruncatedNormal

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Central:
    """x = mean + std * z. The CDF at z lies between ``below`` and 1 - ``above``, an interval of length ``width``."""

    anchor: float
    scale: float
    below: float
    above: float
    width: float


@dataclass(frozen=True, slots=True)
class Tail:
    """x = mean + scale * z, where -log2 of the CDF at z begins at ``start``.

    ``mass`` is the fraction of the tail between the bounds, and ``rest`` = 1 - mass the fraction beyond the far bound.
    If ``use_series``, the mass is so small that its logarithm needs a series.
    """

    anchor: float
    scale: float
    mirrored: bool
    use_series: bool
    mass: float
    rest: float
    start: float


@dataclass(frozen=True, slots=True)
class Extreme:
    """x = bound - scale * s / (sqrt(1 + s) + 1), beyond 37 sigma. The curvature 2 / bound^2 scales s."""

    anchor: float
    scale: float
    mirrored: bool
    use_series: bool
    mass: float
    rest: float
    curvature: float


@dataclass(frozen=True, slots=True)
class Narrow:
    """x = bound - scale * g * series(g), with g uniform on [0, width), if the density is nearly constant in between."""

    anchor: float
    scale: float
    mirrored: bool
    width: float
    series: tuple[float, float, float, float]


Truncation = Central | Tail | Extreme | Narrow

# The quantile of a tail holds from 2 sigma on.
_CENTRAL = 2
_EXTREME = 37
_NARROW = 2.0**-10
_SLIGHT = 2.0**-8
_LARGEST = math.ldexp(1.0, 1023)
_PI = "3.14159265358979323846264338327950288419716939937510582097494459"


# A program has few truncations. The limit guards the memory against a program with ever new ones.
@lru_cache(maxsize=1000)
def truncation(d: TruncatedNormal) -> Truncation:
    """Return the method for these bounds, with its scalars."""
    from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

    with localcontext(Context(prec=50, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])):
        mean, std, a, b = (Decimal(value) for value in (d.mean, d.std, d.low, d.high))
        # In units of the standard deviation.
        low, high, width = (a - mean) / std, (b - mean) / std, (b - a) / std
        if width >= _NARROW and low < _CENTRAL and high > -_CENTRAL:
            below, above = ndtr(low), ndtr(-high)
            return Central(d.mean, d.std, float(below), float(above), float(1 - below - above))
        near, scale = d.high, d.std
        if low > -high:
            low, high, near, scale = -high, -low, d.low, -d.std
        if high < -_EXTREME:
            distance = min(float(abs(Decimal(near) - mean)), _LARGEST)
            return _extreme(-high, width, near, math.copysign(distance, scale))
        if width < _NARROW:
            return _narrow(high, width, near, scale)
        whole = ndtr(high)
        rest = ndtr(low) / whole
        mass, start = float(1 - rest), float(-whole.ln() / Decimal(2).ln())
        return Tail(d.mean, scale, scale < 0, mass < _SLIGHT, mass, float(rest), start)


def _extreme(bound: Decimal, width: Decimal, near: float, scale: float) -> Extreme:
    # -log of the fraction beyond the far bound: a difference of two squares, and the log of a ratio of Mills ratios.
    far = width * (bound + width / 2) + (1 + width / bound).ln() if width.is_finite() else width
    # 1 - exp(-far), without cancellation if far is small.
    mass = far - far**2 / 2 + far**3 / 6 - far**4 / 24 if far < 2.0**-40 else 1 - (-far).exp()
    return Extreme(near, scale, scale < 0, mass < _SLIGHT, float(mass), float(1 - mass), float(2 / bound**2))


def _narrow(high: Decimal, width: Decimal, near: float, scale: float) -> Narrow:
    # The probability between the bounds, over the density at the near bound: an integrated Taylor series.
    total, before, coefficient, power = width * 0, width * 0, width * 0 + 1, width
    for k in range(1, 25):
        total += coefficient * power / k
        before, coefficient, power = coefficient, (high * coefficient - before) / k, power * width
    h = float(high)
    # The Taylor series of the inverse CDF.
    series = (1.0, -h / 2.0, (1.0 + 2.0 * h * h) / 6.0, -h * (7.0 + 6.0 * h * h) / 24.0)
    return Narrow(near, scale, scale < 0, float(total), series)


# All distributions that are truncated at two standard deviations need the same value.
@lru_cache(maxsize=100)
def ndtr(x: Decimal) -> Decimal:
    """Return Phi(x), in the precision of the decimal context, less a few digits."""
    from decimal import Decimal

    if abs(x) > 6:
        if x > 0:
            return 1 - ndtr(-x)
        # Laplace's continued fraction for the Mills ratio.
        fraction = -x
        for k in range(400, 0, -1):
            fraction = k / fraction - x
        return density(x) / fraction
    term = total = x
    k = 1
    while abs(term) > abs(total) * Decimal("1e-55"):
        k += 2
        term *= x * x / k
        total += term
    return Decimal("0.5") + density(x) * total


def density(x: Decimal) -> Decimal:
    """Return the density of the standard normal."""
    return (-x * x / 2).exp() / (2 * type(x)(_PI)).sqrt()
