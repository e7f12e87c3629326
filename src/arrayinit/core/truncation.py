"""How a truncated normal is drawn from one uniform number: the part of the inverse CDF that its bounds need.

The bounds are mirrored, so that the near one is above the other, and beyond it lies the lower tail, which floating
point resolves. ``e = -log(1 - u * mass)`` is exponential, and truncated as the tail is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from arrayinit.core.distributions import TruncatedNormal


@dataclass(frozen=True, slots=True)
class Central:
    """x = mean + scale * quantile(start + u * width), where quantile inverts Phi(z) - 1/2.

    ``reaches_end``: a bound is so far out that rounding may give 1/2, whose quantile is infinite.
    """

    anchor: float
    scale: float
    start: float
    width: float
    reaches_end: bool


@dataclass(frozen=True, slots=True)
class Tail:
    """x = mean - scale * tail_quantile(sqrt(e + start)), ``start`` being -log Phi of the near bound."""

    anchor: float
    scale: float
    mass: float
    start: float
    mid: bool
    far: bool


@dataclass(frozen=True, slots=True)
class Extreme:
    """x = bound - scale * s / (sqrt(1 + s) + 1), past 37 sigma, where e and the curvature 2 / bound^2 give s."""

    anchor: float
    scale: float
    mass: float
    curvature: float


@dataclass(frozen=True, slots=True)
class Narrow:
    """x = bound - scale * (e - bend * e^2): so near to the bound that two terms of the series are enough."""

    anchor: float
    scale: float
    mass: float
    bend: float


Truncation = Central | Tail | Extreme | Narrow

# AS 241 changes its rational form at -log p = 25.
BRANCH = 25.0

_EXTREME = 37.0
_NARROW = 2.0**-10


def truncation(d: TruncatedNormal) -> Truncation:
    """Choose where to invert."""
    # In units of the standard deviation, and without a difference of large numbers.
    low, high, width = (d.low - d.mean) / d.std, (d.high - d.mean) / d.std, (d.high - d.low) / d.std
    near, scale = d.high, d.std
    if low > -high:
        low, high, near, scale = -high, -low, d.low, -d.std
    if high < -_EXTREME:
        return _extreme(-high, width, near, math.copysign(min(abs(near - d.mean), _LARGEST), scale))
    if width < _NARROW:
        return _narrow(high, width, near, scale)
    if high > -1.0:
        start = math.erf(low / math.sqrt(2.0)) / 2.0
        span = math.erf(high / math.sqrt(2.0)) / 2.0 - start
        return Central(d.mean, scale, start, span, reaches_end=low < -4.0)
    start = -log_ndtr(high)
    beyond = math.inf if math.isinf(low * low) else -log_ndtr(low)
    return Tail(d.mean, scale, -math.expm1(start - beyond), start, mid=start < BRANCH, far=beyond > BRANCH)


_LARGEST = math.ldexp(1.0, 1023)


def _extreme(bound: float, width: float, near: float, scale: float) -> Extreme:
    # -log of what is left beyond the far bound: the difference of two squares, and of two Mills ratios.
    far = width * (bound + width / 2.0) + math.log1p(width / bound) if math.isfinite(bound) else math.inf
    return Extreme(near, scale, -math.expm1(-far), 2.0 / (bound * bound))


def _narrow(high: float, width: float, near: float, scale: float) -> Narrow:
    # The hazard phi / Phi at the bound, and its slope.
    hazard = math.exp(-high * high / 2.0 - log_ndtr(high)) / math.sqrt(2.0 * math.pi)
    slope = hazard * (hazard + high)
    return Narrow(near, scale / hazard, -math.expm1(-width * (hazard + slope * width / 2.0)), slope / (2 * hazard**2))


def log_ndtr(x: float) -> float:
    """Return log Phi(x)."""
    if x > -20.0:
        return math.log(math.erfc(-x / math.sqrt(2.0)) / 2.0)
    # The asymptotic series of the Mills ratio; past 20 sigma its terms fall below 1e-16 within eight.
    term, total = 1.0, 1.0
    for k in range(1, 10):
        term *= -(2 * k - 1) / (x * x)
        total += term
    return -x * x / 2.0 - math.log(-x * math.sqrt(2.0 * math.pi)) + math.log(total)
