"""How a truncated normal is drawn from one uniform number: the part of the inverse CDF that its bounds need."""

from __future__ import annotations

import math
from dataclasses import dataclass

from arrayinit.core.distributions import TruncatedNormal


@dataclass(frozen=True, slots=True)
class Central:
    """z = quantile(start + u * width), where quantile inverts Phi(z) - 1/2.

    ``reaches_end``: a bound is so far out that rounding may give 1/2, whose quantile is infinite.
    """

    start: float
    width: float
    scale: float
    reaches_end: bool


@dataclass(frozen=True, slots=True)
class Tail:
    """e = -log(1 - u * mass) exceeds the bound's -log Phi; z = tail_quantile(sqrt(e + start)) is negative."""

    start: float
    mass: float
    scale: float
    mid: bool
    far: bool


@dataclass(frozen=True, slots=True)
class Extreme:
    """Past 37 sigma: z = bound * sqrt(1 + s), with s from e and the curvature 2 / bound^2."""

    mass: float
    curvature: float
    scale: float


Truncation = Central | Tail | Extreme

_EXTREME = -37.0


def truncation(d: TruncatedNormal) -> Truncation:
    """Choose where to invert. The bounds are mirrored to the lower tail, which floating point resolves."""
    low, high, scale = (d.low - d.mean) / d.std, (d.high - d.mean) / d.std, d.std
    if low > -high:
        low, high, scale = -high, -low, -scale
    if high > -1.0:
        start = math.erf(low / math.sqrt(2.0)) / 2.0
        width = math.erf(high / math.sqrt(2.0)) / 2.0 - start
        return Central(start, width, scale, reaches_end=low < -4.0)
    # Phi(low) / Phi(high) is the part of the tail beyond the far bound.
    mass = 1.0 if math.isinf(low * low) else -math.expm1(log_ndtr(low) - log_ndtr(high))
    if high < _EXTREME:
        return Extreme(mass, 2.0 / (high * high), scale * high)
    start = -log_ndtr(high)
    far = math.inf if math.isinf(low * low) else -log_ndtr(low)
    return Tail(start, mass, scale, mid=start < BRANCH, far=far > BRANCH)


# AS 241 changes its rational form at -log p = 25.
BRANCH = 25.0


def log_ndtr(x: float) -> float:
    """Return log Phi(x) for x <= 0."""
    if x > -20.0:
        return math.log(math.erfc(-x / math.sqrt(2.0)) / 2.0)
    # The asymptotic series of the Mills ratio; past 20 sigma its terms fall below 1e-16 within eight.
    term, total = 1.0, 1.0
    for k in range(1, 10):
        term *= -(2 * k - 1) / (x * x)
        total += term
    return -x * x / 2.0 - math.log(-x * math.sqrt(2.0 * math.pi)) + math.log(total)
