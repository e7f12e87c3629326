"""Tests of a sample against its distribution, at a significance that a suite of thousands of them can live with."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special, stats

# A variance 2 % off is 9.8 standard errors off at this size, 6.1 are allowed: one such mutant in 10 000 gets through.
SIZE = 480_000
# With the three statistics of some 350 samples, 1e-6 for the suite.
SIGNIFICANCE = 1e-9
STANDARD_ERRORS = float(stats.norm.isf(SIGNIFICANCE / 2))


def truncated_square(variance: float) -> stats.rv_continuous:
    """Return the distribution of |w|^2 for a circular normal truncated at two standard deviations, of this variance."""
    return stats.truncexpon(4, scale=variance / stats.truncexpon(4).mean())


class MismatchError(AssertionError):
    """The sample does not follow the distribution."""


def truncated_normal(mean: float, std: float, a: float, b: float) -> stats.rv_continuous:
    """Return the distribution of a normal truncated to [a, b].

    Its distribution function is that of scipy, computed ten times as fast unless the interval lies too far out.
    """
    low, high = (a - mean) / std, (b - mean) / std
    distribution = stats.truncnorm(low, high, loc=mean, scale=std)
    # From the side on which the tail is small, so that its digits are kept.
    sign = -1.0 if low > 0 else 1.0
    start, end = special.ndtr(sign * low), special.ndtr(sign * high)
    if abs(end - start) > 1e-100:
        distribution.cdf = lambda x: (special.ndtr(sign * np.clip((x - mean) / std, low, high)) - start) / (end - start)
    return distribution


def check(
    sample: np.ndarray, distribution: stats.rv_continuous, spacing: float = 0.0, *, rounded: bool = False
) -> None:
    """Raise MismatchError unless the sample follows the distribution: Kolmogorov-Smirnov, mean and variance.

    ``spacing`` is the relative distance of neighbours in the dtype, by which a rounded sample may differ from a
    continuous one; ``rounded`` says that the bounds are computed in the dtype, as in JAX's and torch's own uniforms.
    """
    values = sample.astype(np.float64).ravel()
    if not np.isfinite(values).all():
        raise MismatchError("not finite")
    low, high = distribution.support()
    if rounded:
        low, high = low - 2 * spacing * abs(low), high + 2 * spacing * abs(high)
    if values.min() < low or values.max() > high:
        raise MismatchError(f"[{values.min()}, {values.max()}] leaves [{low}, {high}]")
    moment(values, distribution.mean(), distribution.std(), "mean")
    fourth = float(distribution.stats("k")) + 3
    moment(
        (values - distribution.mean()) ** 2,
        distribution.var(),
        distribution.var() * math.sqrt(fourth - 1),
        "variance",
        2 * spacing * distribution.var(),
    )
    kolmogorov_smirnov(values, distribution.cdf, spacing)


def moment(values: np.ndarray, expected: float, std: float, name: str, slack: float = 0.0) -> None:
    """Raise MismatchError unless the mean of ``values`` is as expected, ``std`` being that of one value."""
    error = (abs(values.mean() - expected) - slack) / (std / math.sqrt(values.size))
    if error > STANDARD_ERRORS:
        raise MismatchError(f"{name}: {values.mean()} is {error:.1f} standard errors from {expected}")


def kolmogorov_smirnov(values: np.ndarray, cdf: Callable[[np.ndarray], np.ndarray], spacing: float) -> None:
    """Raise MismatchError unless the empirical distribution is close to ``cdf``."""
    # Rounding moves a value by half a spacing at most, so each may count as being anywhere in that range.
    ordered = np.sort(values)
    half = np.abs(ordered) * spacing / 2
    ranks = np.arange(values.size)
    above = (cdf(ordered - half) - (ranks + 1) / values.size).max()
    below = (ranks / values.size - cdf(ordered + half)).max()
    statistic = max(above, below, 0.0)
    p = stats.kstwo.sf(statistic, values.size)
    if p < SIGNIFICANCE:
        raise MismatchError(f"Kolmogorov-Smirnov statistic {statistic:.5f}, p = {p:.1e}")
