"""Fan in, fan out, and the fan of a mode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from operator import index
from typing import Any, Literal

from arrayinit.core.layouts import DEFAULT, parse
from arrayinit.core.numbers import concrete, counted, shown

Mode = Literal["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]


def fans(shape: Sequence[int], layout: str = DEFAULT, groups: int = 1) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight of this shape."""
    outputs, inputs, kernel = parse(layout, shape).sizes(shape)
    if type(groups) is not int or groups != 1:
        outputs = per_group(outputs, groups)
    return inputs * kernel, outputs * kernel


def as_shape(sizes: Sequence[int]) -> tuple[int, ...]:
    """Return ``sizes`` as a tuple; raise unless they are integers of at least 0."""
    try:
        shape = tuple(index(size) for size in sizes)
    except TypeError:
        raise TypeError(f"a shape must be of integers, got {shown(sizes)}") from None
    if min(shape, default=0) < 0:
        raise ValueError(f"a shape must be of integers of at least 0, got {shown(sizes)}")
    return shape


def per_group(outputs: int, groups: int) -> int:
    """Return the number of output features of each group; raise unless ``groups`` divides ``outputs``."""
    count: Any = groups if isinstance(groups, Integral) else concrete("groups", groups)
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
        raise ValueError(f"groups must be an integer of at least 1, got {shown(groups)}")
    if outputs % int(count):
        features = counted(outputs, "output feature", "output features")
        raise ValueError(f"groups={shown(groups)} must divide the {features} of x")
    return outputs // int(count)


def pick(fan_in: int, fan_out: int, mode: Mode) -> float:
    """Return the fan of ``mode``. The case of the letters does not matter, as in torch."""
    name = mode.lower() if isinstance(mode, str) else ""
    if name == "fan_in":
        return fan_in
    if name == "fan_out":
        return fan_out
    if name == "fan_avg":
        return (fan_in + fan_out) / 2
    if name == "fan_geo_avg":
        return math.sqrt(fan_in * fan_out)
    raise ValueError(f"mode must be one of fan_in, fan_out, fan_avg, fan_geo_avg; got {shown(mode)}")
