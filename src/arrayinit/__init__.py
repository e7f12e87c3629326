"""Initializers for the arrays of any library, with the names of torch.nn.init."""

from importlib import import_module
from typing import TYPE_CHECKING

from arrayinit.backends.registry import register_backend
from arrayinit.core.scales import calculate_gain
from arrayinit.initializers.basic import normal, normal_, trunc_normal, trunc_normal_, uniform, uniform_
from arrayinit.initializers.constant import constant, constant_, ones, ones_, zeros, zeros_
from arrayinit.initializers.copy import copy_
from arrayinit.initializers.fans import calculate_fan_in_and_fan_out
from arrayinit.initializers.identity import dirac, dirac_, eye, eye_
from arrayinit.initializers.kaiming import kaiming_normal, kaiming_normal_, kaiming_uniform, kaiming_uniform_
from arrayinit.initializers.orthogonal import delta_orthogonal, delta_orthogonal_, orthogonal, orthogonal_
from arrayinit.initializers.sparse import sparse, sparse_
from arrayinit.initializers.variance_scaling import (
    lecun_normal,
    lecun_normal_,
    lecun_uniform,
    lecun_uniform_,
    variance_scaling,
    variance_scaling_,
)
from arrayinit.initializers.xavier import xavier_normal, xavier_normal_, xavier_uniform, xavier_uniform_
from arrayinit.stream.seed import fold_in
from arrayinit.values.value import Initializer

if TYPE_CHECKING:
    from arrayinit import checkpoints, recipes
    from arrayinit.models.actions import keep
    from arrayinit.models.initialize import initialize
    from arrayinit.models.parts import parts, stack
    from arrayinit.models.plan import Plan, plan
    from arrayinit.models.rules import Rule

__version__ = "0.2.0"

__all__ = [
    "Initializer",
    "Plan",
    "Rule",
    "calculate_fan_in_and_fan_out",
    "calculate_gain",
    "checkpoints",
    "constant",
    "constant_",
    "copy_",
    "delta_orthogonal",
    "delta_orthogonal_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "fold_in",
    "initialize",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "keep",
    "lecun_normal",
    "lecun_normal_",
    "lecun_uniform",
    "lecun_uniform_",
    "normal",
    "normal_",
    "ones",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "parts",
    "plan",
    "recipes",
    "register_backend",
    "sparse",
    "sparse_",
    "stack",
    "trunc_normal",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "variance_scaling",
    "variance_scaling_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros",
    "zeros_",
]

# What initializes whole models, by its module. It takes as long to import as all else.
_MODELS = {
    "Plan": "plan",
    "Rule": "rules",
    "initialize": "initialize",
    "keep": "actions",
    "parts": "parts",
    "plan": "plan",
    "stack": "parts",
}


def __getattr__(name: str) -> object:
    """Import what initializes whole models when it is first asked for."""
    if name in ("checkpoints", "recipes"):
        return import_module(f"arrayinit.{name}")
    if name not in _MODELS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"arrayinit.models.{_MODELS[name]}"), name)
    return found


def __dir__() -> list[str]:
    """Complete the public names only."""
    return [*__all__, "__version__"]
