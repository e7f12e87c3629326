"""What to draw: small frozen values, made by the initializers and read by the backends."""

from __future__ import annotations

import math
from struct import pack
from typing import NamedTuple

from arrayinit.core.dtypes import FloatFormat
from arrayinit.core.numbers import finite, non_negative, ordered, positive, real

_LIMITS: dict[tuple[bytes, str], tuple[float, float]] = {}

Limits = tuple[float, float] | None
"""The least and the largest value that a draw may hold in its dtype; None: any."""


class Uniform(NamedTuple):
    """Uniform on [low, high)."""

    low: float
    high: float
    # The variance that the bounds were made from. JAX rounds it, and not the bounds, to the dtype.
    variance: float | None = None

    @classmethod
    def between(cls, a: float, b: float) -> Uniform:
        """Check the bounds as given by a user."""
        low, high = finite("a", a), finite("b", b)
        ordered("a", low, "b", high)
        return cls(low, high)

    @classmethod
    def scaled(cls, std: float, variance: float) -> Uniform:
        """Centred on zero, with the standard deviation ``std``."""
        bound = math.sqrt(3.0) * std
        return cls(-bound, bound, variance)

    def circular(self) -> Disk:
        """The complex counterpart: the disk over the interval, or the disk of the same variance."""
        if self.variance is not None:
            return Disk(0.0, math.sqrt(2.0 * self.variance))
        return Disk((self.low + self.high) / 2, (self.high - self.low) / 2)

    def check_range(self, form: FloatFormat) -> None:
        """Raise unless ``form`` holds the bounds."""
        if self.low < -form.max or self.high > form.max or self.high - self.low > form.max:
            raise ValueError(
                f"the bounds {self.low!r} and {self.high!r} do not fit dtype {form.name}: "
                f"both, and their difference, must be within {form.max!r}"
            )

    def limits(self, form: FloatFormat) -> tuple[float, float]:
        """Half open; closed for 16-bit formats, which round."""
        # By their bytes, since zeros of both signs are equal.
        place = pack("dd", self.low, self.high), form.name
        found = _LIMITS.get(place)
        if found is None:
            last = form.floor(self.high) if form.is_narrow else form.below(self.high)
            if len(_LIMITS) > 1000:
                _LIMITS.clear()
            found = _LIMITS[place] = _within(form, self.low, self.high, last)
        return found


class Normal(NamedTuple):
    """Normal; for complex dtypes circular around ``mean``, with E|w - mean|^2 = std^2."""

    mean: float
    std: float
    variance: float | None = None

    @classmethod
    def of(cls, mean: float, std: float) -> Normal:
        """Check the moments as given by a user."""
        return cls(finite("mean", mean), non_negative("std", std))

    @classmethod
    def scaled(cls, std: float, variance: float) -> Normal:
        """Centred on zero, with the standard deviation ``std``."""
        return cls(0.0, std, variance)

    def circular(self) -> Normal:
        """Already the complex counterpart."""
        return self

    def part(self) -> Normal:
        """The law of the real and of the imaginary part of the centred complex draw."""
        return Normal(0.0, self.std / math.sqrt(2.0))

    def check_range(self, form: FloatFormat) -> None:
        """Raise unless ``form`` holds the moments."""
        _check_moments(form, self.mean, self.std)

    def limits(self, _: FloatFormat) -> None:
        """A normal has no bounds."""


# The standard deviations of a unit normal within two of them, and of a unit circular normal whose modulus is at most 2:
# sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)) and sqrt((1 - 5 exp(-4)) / (1 - exp(-4))).
# JAX has 0.95311164380491208 for the second, sqrt(1 - 5 exp(-4)): not normalized, its variance is 1.9 % too large.
TRUNCATED_STD = 0.87962566103423978
TRUNCATED_COMPLEX_STD = 0.96196182800821354


class TruncatedNormal(NamedTuple):
    """Normal, given that it lies in [low, high]."""

    mean: float
    std: float
    low: float
    high: float
    variance: float | None = None

    @classmethod
    def between(cls, mean: float, std: float, a: float, b: float) -> TruncatedNormal:
        """Check the moments and bounds as given by a user."""
        low, high = real("a", a), real("b", b)
        ordered("a", low, "b", high)
        if low == high and math.isinf(low):
            raise ValueError(f"the interval from a={low!r} to b={high!r} is empty")
        return cls(finite("mean", mean), positive("std", std), low, high)

    @classmethod
    def scaled(cls, std: float, variance: float) -> TruncatedNormal:
        """Centred on zero and truncated at two of its standard deviations, with ``std`` after the truncation."""
        before = std / TRUNCATED_STD
        return cls(0.0, before, -2.0 * before, 2.0 * before, variance)

    def circular(self) -> TruncatedComplexNormal:
        """The complex counterpart of what is scaled; an interval does not bound a complex number."""
        if self.variance is not None:
            return TruncatedComplexNormal(math.sqrt(self.variance) / TRUNCATED_COMPLEX_STD)
        raise TypeError("trunc_normal_ truncates to an interval, which complex numbers do not have: x must be real")

    def check_range(self, form: FloatFormat) -> None:
        """Raise unless ``form`` holds the moments and the finite bounds."""
        _check_moments(form, self.mean, self.std)
        for bound in (self.low, self.high):
            if form.max < abs(bound) < math.inf:
                raise ValueError(f"the bound {bound!r} does not fit dtype {form.name}: it must be within {form.max!r}")

    def limits(self, form: FloatFormat) -> tuple[float, float]:
        """Closed."""
        return _within(form, self.low, self.high, form.floor(self.high))


def _check_moments(form: FloatFormat, mean: float, std: float) -> None:
    if not -form.max <= mean <= form.max or std > form.max:
        raise ValueError(
            f"mean={mean!r} and std={std!r} do not fit dtype {form.name}: both must be within {form.max!r}"
        )


def _within(form: FloatFormat, low: float, high: float, last: float) -> tuple[float, float]:
    """Return the first value of ``form`` that is at least ``low``, and ``last``, if they are in order."""
    first = form.ceil(low)
    if first <= last:
        return first, last
    if low == high:
        return form.nearest(low), form.nearest(low)
    raise ValueError(f"no {form.name} lies between the bounds {low!r} and {high!r}")


class Disk(NamedTuple):
    """Uniform on a disk in the complex plane: E|w - centre|^2 = radius^2 / 2."""

    centre: float
    radius: float

    def check_range(self, form: FloatFormat) -> None:
        """Raise unless ``form`` holds the disk."""
        if abs(self.centre) + self.radius > form.max:
            raise ValueError(
                f"the disk of radius {self.radius!r} around {self.centre!r} does not fit dtype {form.name}: "
                f"it must be within {form.max!r}"
            )

    def limits(self, _: FloatFormat) -> None:
        """A disk is no interval; nothing leaves it, as the root of a number below one is below one."""


class TruncatedComplexNormal(NamedTuple):
    """Circular normal around zero, E|w|^2 = std^2 before the truncation, given that |w| <= 2 std."""

    std: float

    def check_range(self, form: FloatFormat) -> None:
        """Raise unless ``form`` holds the bound."""
        if 2.0 * self.std > form.max:
            raise ValueError(f"std={self.std!r} does not fit dtype {form.name}: twice that must be within {form.max!r}")

    def limits(self, _: FloatFormat) -> None:
        """A disk is no interval; the modulus is bounded as it is drawn."""


Law = Uniform | Normal | TruncatedNormal
"""What a user asks for; `circular` gives what that means for a complex dtype."""

Distribution = Law | Disk | TruncatedComplexNormal
