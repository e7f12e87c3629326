"""The rules of a layer that has a weight and a bias, by its name."""

from __future__ import annotations

import math
from typing import Any

from arrayinit import kaiming_uniform, uniform, zeros
from arrayinit.models.parameter import Parameter
from arrayinit.models.rules import Rule
from arrayinit.recipes.of_parameter import OfParameter

_ZEROS = zeros()


def layer(name: str, weight: Any, bias: Any = _ZEROS, *, optional: bool = False) -> list[Rule]:
    """Return the rule of the weight, and that of the bias, which many layers lack."""
    return [Rule(f"{name}.weight", weight, optional), Rule(f"{name}.bias", bias, optional=True)]


def _bias_of_torch(p: Parameter) -> Any:
    """Return the law of a bias in torch's `Linear` and `Conv2d`: its bound is that of the weight."""
    if p.module is None:
        raise ValueError("the bound is 1 / sqrt(fan_in) of the weight, which a bias without its layer does not tell")
    fan_in: int = math.prod(p.module.weight.shape[1:])
    return uniform(-(fan_in**-0.5), fan_in**-0.5)


# What torch's own `reset_parameters` does.
WEIGHT_OF_TORCH = kaiming_uniform(a=5**0.5)
BIAS_OF_TORCH = OfParameter("uniform(-b, b) with b = 1 / sqrt(fan_in of the weight)", _bias_of_torch)
