"""What to draw: small frozen values, made by the initializers and read by the backends."""

from __future__ import annotations

import math
from typing import NamedTuple

from arrayinit.core.dtypes import Format
from arrayinit.core.numbers import finite, non_negative, ordered, positive, real

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

    def limits(self, form: Format) -> tuple[float, float]:
        """Half open; closed for 16-bit formats, which round."""
        self.check_range(form)
        low = form.ceil(self.low)
        high = form.floor(self.high) if form.is_narrow else form.below(self.high)
        if low > high:
            low = high = form.nearest(self.low)
        return low, high

    def check_range(self, form: Format) -> None:
        """Raise unless the interval fits ``form``."""
        if max(abs(self.low), abs(self.high), self.high - self.low) > form.max:
            raise ValueError(
                f"a={self.low!r} and b={self.high!r} do not fit dtype {form.name}: "
                f"both, and b - a, must be within {form.max!r}"
            )


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

    def limits(self, _: Format) -> None:
        """A normal has no bounds."""


class TruncatedNormal(NamedTuple):
    """Normal, given that it lies in [low, high]."""

    mean: float
    std: float
    low: float
    high: float

    @classmethod
    def between(cls, mean: float, std: float, a: float, b: float) -> TruncatedNormal:
        """Check the moments and bounds as given by a user."""
        low, high = real("a", a), real("b", b)
        ordered("a", low, "b", high)
        if low == high and math.isinf(low):
            raise ValueError(f"the interval from a={low!r} to b={high!r} is empty")
        return cls(finite("mean", mean), positive("std", std), low, high)

    def circular(self) -> TruncatedNormal:
        """An interval does not bound a complex number."""
        raise TypeError("trunc_normal_ truncates to an interval, which complex numbers do not have: x must be real")

    def limits(self, form: Format) -> tuple[float, float]:
        """Closed."""
        low, high = form.ceil(self.low), form.floor(self.high)
        if low > high:
            low = high = form.nearest(self.low)
        return low, high


class Disk(NamedTuple):
    """Uniform on a disk in the complex plane: E|w - centre|^2 = radius^2 / 2."""

    centre: float
    radius: float

    def circular(self) -> Disk:
        """Already complex."""
        return self

    def limits(self, _: Format) -> None:
        """A disk is no interval; nothing leaves it, as the root of a number below one is below one."""


Distribution = Uniform | Normal | TruncatedNormal | Disk
