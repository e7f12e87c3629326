"""The mean and the standard deviation of each distribution, computed without a draw."""

from __future__ import annotations

import math

from arrayinit.core.distributions import (
    TRUNCATED_COMPLEX_STD,
    Disk,
    Distribution,
    Normal,
    TruncatedComplexNormal,
    TruncatedNormal,
    Uniform,
)


def moments(distribution: Distribution) -> tuple[float, float]:
    """Return the mean and the standard deviation; for complex draws, the root of E|w - mean|^2."""
    match distribution:
        case Uniform(low, high):
            return low / 2 + high / 2, (high / 2 - low / 2) / math.sqrt(3.0)
        case Normal(mean, std):
            return mean, std
        case TruncatedNormal():
            return _truncated(distribution)
        case Disk(centre, radius):
            return centre, radius / math.sqrt(2.0)
        case TruncatedComplexNormal(std):
            return 0.0, std * TRUNCATED_COMPLEX_STD


# The density is constant between bounds that are this close, in units of the std, to more digits than a double has.
_NARROW = 1e-12


def _truncated(d: TruncatedNormal) -> tuple[float, float]:
    r"""Return the moments of a truncated normal.

    With the bounds :math:`\alpha, \beta` in units of the std, :math:`\phi` the density and :math:`Z` the mass between
    the bounds, the mean is :math:`m = (\phi(\alpha) - \phi(\beta)) / Z` and the variance
    :math:`1 + (\alpha\phi(\alpha) - \beta\phi(\beta)) / Z - m^2`.
    """
    from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

    from arrayinit.core.truncation import density, ndtr

    # In decimal arithmetic, since the terms of the variance cancel far out and between close bounds.
    with localcontext(Context(prec=50, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])):
        mean, std, a, b = (Decimal(value) for value in (d.mean, d.std, d.low, d.high))
        low, high = (a - mean) / std, (b - mean) / std
        sign = 1
        if low > -high:
            low, high, sign = -high, -low, -1
        at_low, at_high = (density(z) if z.is_finite() else Decimal(0) for z in (low, high))
        by_low, by_high = (z * p if p else p for z, p in ((low, at_low), (high, at_high)))
        mass = ndtr(high) - ndtr(low)
        if high - low < _NARROW:
            return moments(Uniform(d.low, d.high))
        if not mass:
            # Too far out for a decimal exponent: an exponential distribution that begins at the near bound.
            return float(mean + sign * std * high), float(abs(std / high))
        shift = (at_low - at_high) / mass
        variance = 1 + (by_low - by_high) / mass - shift**2
        return float(mean + sign * std * shift), float(std * max(variance, Decimal(0)).sqrt())
