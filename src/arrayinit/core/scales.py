"""The standard deviations of the initializers that scale by a fan."""

from __future__ import annotations

import math
from numbers import Real
from typing import NamedTuple

from arrayinit.core.fans import Mode, pick
from arrayinit.core.gains import Nonlinearity, squared_gain, unknown
from arrayinit.core.numbers import concrete, non_negative, positive


class Scale(NamedTuple):
    """A standard deviation, rounded in the order of torch, and a variance, rounded in the order of JAX."""

    std: float
    variance: float


def xavier(fan_in: int, fan_out: int, gain: float) -> Scale:
    """Return std = gain * sqrt(2 / (fan_in + fan_out))."""
    gain = non_negative("gain", gain)
    total = _divisor(fan_in + fan_out)
    return Scale(gain * math.sqrt(2.0 / total), gain * gain / (total / 2.0))


def kaiming(fan_in: int, fan_out: int, a: float, mode: Mode, nonlinearity: Nonlinearity | float) -> Scale:
    """Return std = gain / sqrt(fan); ``nonlinearity`` is the name of a function, or the gain as a number."""
    fan = _divisor(pick(fan_in, fan_out, mode))
    if isinstance(nonlinearity, str):
        square = squared_gain(nonlinearity, a)
        return Scale(math.sqrt(square) / math.sqrt(fan), square / fan)
    number = concrete("nonlinearity", nonlinearity)
    if isinstance(number, bool) or not isinstance(number, Real):
        raise unknown(nonlinearity)
    gain = non_negative("nonlinearity", nonlinearity)
    return Scale(gain / math.sqrt(fan), gain * gain / fan)


def variance_scaling(fan_in: int, fan_out: int, scale: float, mode: Mode) -> Scale:
    """Return std = sqrt(scale / fan)."""
    variance = positive("scale", scale) / _divisor(pick(fan_in, fan_out, mode))
    if not variance:
        raise ValueError(f"scale={scale!r} is too small: divided by the fan it is 0")
    return Scale(math.sqrt(variance), variance)


def _divisor(fan: float) -> float:
    if fan <= 0:
        raise ValueError(f"a fan must be above 0 to scale by it, got {fan}")
    return fan
