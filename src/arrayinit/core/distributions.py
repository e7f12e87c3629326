"""The distributions: small frozen values. The initializers make them, the backends and kernels read them."""

from __future__ import annotations

import math
from struct import pack
from typing import NamedTuple

from arrayinit.core.dtypes import FloatFormat
from arrayinit.core.numbers import finite, non_negative, ordered, positive, real

_LIMITS: dict[tuple[bytes, str], tuple[float, float]] = {}

Limits = tuple[float, float] | None
"""The least and the greatest value of a draw, in its dtype; None if there are no bounds."""


class Uniform(NamedTuple):
    """Uniform on [low, high)."""

    low: float
    high: float
    # The bounds were computed from this variance. JAX rounds the variance to the dtype, not the bounds.
    variance: float | None = None

    @classmethod
    def between(cls, a: float, b: float) -> Uniform:
        """Check the bounds of a user."""
        low, high = finite("a", a), finite("b", b)
        ordered("a", low, "b", high)
        return cls(low, high)

    @classmethod
    def scaled(cls, std: float, variance: float) -> Uniform:
        """Return the distribution with mean 0 and standard deviation ``std``."""
        bound = math.sqrt(3.0) * std
        return cls(-bound, bound, variance)

    def circular(self) -> Disk:
        """Return the complex counterpart: a disk with the interval as its diameter, or with the same variance."""
        if self.variance is not None:
            return Disk(0.0, math.sqrt(2.0 * self.variance))
        return Disk((self.low + self.high) / 2, (self.high - self.low) / 2)

    def check_range(self, dtype: FloatFormat) -> None:
        """Raise ValueError unless ``dtype`` can represent the bounds and their difference."""
        if self.low < -dtype.max or self.high > dtype.max or self.high - self.low > dtype.max:
            bounds = f"the bounds {self.low!r} and {self.high!r}"
            raise dtype.misfit(f"{bounds} do not", "both, and their difference, must be")

    def limits(self, dtype: FloatFormat) -> tuple[float, float]:
        """Return the limits of [low, high), or of [low, high] if narrow, where a draw may round up to ``high``."""
        # The key has the bytes of the bounds: 0.0 and -0.0 are equal, but have different limits.
        key = pack("dd", self.low, self.high), dtype.name
        found = _LIMITS.get(key)
        if found is None:
            last = dtype.floor(self.high) if dtype.is_narrow else dtype.below(self.high)
            if len(_LIMITS) > 1000:
                _LIMITS.clear()
            found = _LIMITS[key] = _within(dtype, self.low, self.high, last)
        return found


class Normal(NamedTuple):
    """Normal. For complex dtypes: circular around ``mean``, with E|w - mean|^2 = std^2."""

    mean: float
    std: float
    variance: float | None = None

    @classmethod
    def of(cls, mean: float, std: float) -> Normal:
        """Check the mean and std of a user."""
        return cls(finite("mean", mean), non_negative("std", std))

    @classmethod
    def scaled(cls, std: float, variance: float) -> Normal:
        """Return the distribution with mean 0 and standard deviation ``std``."""
        return cls(0.0, std, variance)

    def circular(self) -> Normal:
        """Return the complex counterpart, which is this one."""
        return self

    def part(self) -> Normal:
        """Return the distribution of the real part, and of the imaginary part, of a complex draw around 0."""
        return Normal(0.0, self.std / math.sqrt(2.0))

    def check_range(self, dtype: FloatFormat) -> None:
        """Raise ValueError unless ``dtype`` can represent the mean and std."""
        _check_moments(dtype, self.mean, self.std)

    def limits(self, _: FloatFormat) -> None:
        """Return None: a normal has no bounds."""


# The standard deviation of a unit normal that is truncated to [-2, 2]: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
# The same for a unit circular normal with a modulus of at most 2: sqrt((1 - 5 exp(-4)) / (1 - exp(-4))).
# JAX divides by sqrt(1 - 5 exp(-4)) = 0.95311164380491208 there, without the norm: its variance is 1.9 % too large.
TRUNCATED_STD = 0.87962566103423978
TRUNCATED_COMPLEX_STD = 0.96196182800821354


class TruncatedNormal(NamedTuple):
    """Normal, truncated to [low, high]; ``mean`` and ``std`` are the moments before the truncation."""

    mean: float
    std: float
    low: float
    high: float
    variance: float | None = None

    @classmethod
    def between(cls, mean: float, std: float, a: float, b: float) -> TruncatedNormal:
        """Check the moments and bounds of a user."""
        low, high = real("a", a), real("b", b)
        ordered("a", low, "b", high)
        if low == high and math.isinf(low):
            raise ValueError(f"the interval from a={low!r} to b={high!r} is empty")
        return cls(finite("mean", mean), positive("std", std), low, high)

    @classmethod
    def scaled(cls, std: float, variance: float) -> TruncatedNormal:
        """Return the distribution around 0, truncated at two standard deviations, with ``std`` after the truncation."""
        before = std / TRUNCATED_STD
        return cls(0.0, before, -2.0 * before, 2.0 * before, variance)

    def circular(self) -> TruncatedComplexNormal:
        """Return the complex counterpart of a scaled distribution; raise TypeError if the bounds are a user's."""
        if self.variance is not None:
            return TruncatedComplexNormal(math.sqrt(self.variance) / TRUNCATED_COMPLEX_STD)
        raise TypeError("trunc_normal_ truncates to an interval, which complex numbers do not have: x must be real")

    def check_range(self, dtype: FloatFormat) -> None:
        """Raise ValueError unless ``dtype`` can represent the moments and the finite bounds."""
        _check_moments(dtype, self.mean, self.std)
        for bound in (self.low, self.high):
            if dtype.max < abs(bound) < math.inf:
                raise dtype.misfit(f"the bound {bound!r} does not")

    def limits(self, dtype: FloatFormat) -> tuple[float, float]:
        """Return the limits of the closed interval [low, high]."""
        return _within(dtype, self.low, self.high, dtype.floor(self.high))


def _check_moments(dtype: FloatFormat, mean: float, std: float) -> None:
    if not -dtype.max <= mean <= dtype.max or std > dtype.max:
        raise dtype.misfit(f"mean={mean!r} and std={std!r} do not", "both must be")


def _within(dtype: FloatFormat, low: float, high: float, last: float) -> tuple[float, float]:
    """Return the limits: the least value of ``dtype`` that is at least ``low``, and ``last``."""
    first = dtype.ceil(low)
    if first <= last:
        return first, last
    if low == high:
        return dtype.nearest(low), dtype.nearest(low)
    raise ValueError(f"no {dtype.name} lies between the bounds {low!r} and {high!r}")


class Disk(NamedTuple):
    """Uniform on a disk in the complex plane: E|w - centre|^2 = radius^2 / 2."""

    centre: float
    radius: float

    def check_range(self, dtype: FloatFormat) -> None:
        """Raise ValueError unless ``dtype`` can represent all points of the disk."""
        if abs(self.centre) + self.radius > dtype.max:
            raise dtype.misfit(f"the disk of radius {self.radius!r} around {self.centre!r} does not")

    def limits(self, _: FloatFormat) -> None:
        """Return None: a draw cannot leave the disk, since the square root of a number below 1 is below 1."""


class TruncatedComplexNormal(NamedTuple):
    """Circular normal around 0, truncated to |w| <= 2 std; E|w|^2 = std^2 before the truncation."""

    std: float

    def check_range(self, dtype: FloatFormat) -> None:
        """Raise ValueError unless ``dtype`` can represent the bound of the modulus."""
        if 2.0 * self.std > dtype.max:
            raise dtype.misfit(f"std={self.std!r} does not", "twice that must be")

    def limits(self, _: FloatFormat) -> None:
        """Return None: the draw itself bounds the modulus."""


RealDistribution = Uniform | Normal | TruncatedNormal
"""The distribution that a user asks for. `circular` returns its counterpart for a complex dtype."""

Distribution = RealDistribution | Disk | TruncatedComplexNormal
