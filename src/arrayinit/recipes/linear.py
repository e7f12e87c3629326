"""The rules of a layer that has a weight and a bias, by its name."""

from __future__ import annotations

import math
from typing import Any

from arrayinit import kaiming_uniform, uniform, zeros
from arrayinit.models.parameter import Parameter
from arrayinit.models.rules import Rule
from arrayinit.recipes.of_parameter import OfParameter
from arrayinit.values.value import Initializer

_ZEROS = zeros()


def layer(name: str, weight: Any, bias: Any = _ZEROS, *, optional: bool = False) -> list[Rule]:
    """Return the rule of the weight, and that of the bias, which many layers lack."""
    return [Rule(f"{name}.weight", weight, optional), Rule(f"{name}.bias", bias, optional=True)]


def uniform_within(count: int) -> Initializer:
    """Return the uniform distribution on plus or minus the root of 1 / count; zeros for a count of 0."""
    bound = 1 / math.sqrt(count) if count > 0 else 0.0
    return uniform(-bound, bound)


def _bias_of_torch(p: Parameter) -> Any:
    """Return the law of a bias in torch's `Linear` and `Conv2d`: its bound is that of the weight."""
    if p.module is None:
        raise ValueError("the bound is 1 / sqrt(fan_in) of the weight, which is not known for a bias without its layer")
    return uniform_within(math.prod(p.module.weight.shape[1:]))


# What torch's own `reset_parameters` does.
WEIGHT_OF_TORCH = kaiming_uniform(a=math.sqrt(5))
BIAS_OF_TORCH = OfParameter("uniform(-b, b) with b = 1 / sqrt(fan_in of the weight)", _bias_of_torch)
