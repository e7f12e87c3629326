"""What a random fill is expected to measure, and how far a measurement may be from it.

Each test has a probability of 1e-9 to fail for a right array, whatever its size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.fill import Fill
from arrayinit.models.measured import Measured

# The two-sided quantile of the normal distribution at 1e-9.
_Z = 6.109410204869
# The share of zeros from which numbers are lost to underflow.
_UNDERFLOW = 0.1


@dataclass(frozen=True, slots=True)
class Expected:
    """The moments and the support of a fill, and the resolution of its dtype."""

    mean: complex
    std: float
    limits: tuple[float, float] | None
    resolution: float
    """How far rounding moves a number, as a share of it, if the dtype has 16 or 8 bits; else 0."""
    has_zeros: bool
    """Whether zeros are no sign of underflow."""

    @classmethod
    def of(cls, fill: Fill, dtype: str) -> Expected:
        """Return what is expected of a fill."""
        mean, std = fill.moments()
        form = FORMATS[dtype]
        distribution: Any = getattr(fill, "distribution", None)
        limits = distribution.limits(form) if distribution is not None else None
        resolution = 2.0**-form.precision if form.is_narrow else 0.0
        if limits is not None and resolution:
            # torch rounds the bounds themselves.
            slack = 2.0 * resolution * max(map(abs, limits))
            limits = limits[0] - slack, limits[1] + slack
        # Only independent draws have no zeros of their own.
        return cls(mean, std, limits, resolution, distribution is None or bool(getattr(fill, "zeros", 0)))


def deviations(found: Measured, expected: Expected) -> Iterator[str]:
    """Yield how a measurement deviates from what is expected."""
    if not found.count:
        return
    if found.is_constant and found.count > 1 and expected.std > 0.0:
        yield f"all elements are {found.greatest:.4g}, and not draws"
        return
    if not expected.has_zeros and found.zeros > 1 and found.zeros > _UNDERFLOW * found.count and expected.std > 0.0:
        yield f"{found.zeros} of {found.count} elements are zero by underflow, and not draws"
        return
    slack = expected.resolution * max(abs(found.least), abs(found.greatest))
    if abs(found.mean - expected.mean) > _Z * expected.std / math.sqrt(found.count) + slack:
        yield f"the mean is {found.mean:.4g} in place of {expected.mean:.4g}"
    low, high = _ratios(found)
    if not low * expected.std - slack <= found.std <= high * expected.std + slack:
        yield f"the std is {found.std:.4g} in place of the expected {expected.std:.4g}"
    if expected.limits and not expected.limits[0] <= found.least <= found.greatest <= expected.limits[1]:
        yield f"the values from {found.least:.4g} to {found.greatest:.4g} leave the bounds {expected.limits}"


def _ratios(found: Measured) -> tuple[float, float]:
    r"""Return the least and the greatest ratio of a right std to the expected one.

    A variance of n draws with kurtosis :math:`\kappa` has about :math:`k = 2 n / (\kappa - 1)` degrees of freedom. By
    E. B. Wilson and M. M. Hilferty, "The distribution of chi-square", 1931, the cube root of :math:`\chi^2_k / k` is
    normal, with mean :math:`1 - 2 / (9 k)` and variance :math:`2 / (9 k)`.
    """
    # The kurtosis of few draws is not known.
    kurtosis = max(found.kurtosis, 1.8 if found.count >= 10_000 else 3.0)
    variance = (kurtosis - 1.0) / (9.0 * found.count)
    low, high = (1.0 - variance + sign * _Z * math.sqrt(variance) for sign in (-1.0, 1.0))
    # The mean is estimated too, from as many draws.
    return max(low, 0.0) ** 1.5 - 1.0 / found.count, high**1.5
