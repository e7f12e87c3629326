"""Whether a parameter can be filled as a rule says. Each error says what would be right."""

from __future__ import annotations

import warnings
from typing import Any

from arrayinit.initializers.copy import copy_
from arrayinit.models.actions import Copied, Digest, Keep, Single
from arrayinit.models.grouping import seen_by
from arrayinit.models.parameter import Parameter
from arrayinit.models.pretrained.loaded import Loaded
from arrayinit.values.abstract import Abstract
from arrayinit.values.value import Initializer

_checked: dict[tuple[Any, ...], None] = {}
_MANY = 1 << 12


def check_place(p: Parameter, selector: str) -> None:
    """Raise unless a rule with this selector may fill the parameter."""
    if p.fault:
        raise ValueError(p.fault)
    if p.must_name and p.must_name not in selector:
        raise ValueError(
            f"the layer computes a parametrized weight from it: name {p.must_name!r} in the rule, or use keep()"
        )


def check(p: Parameter, action: Single, selector: str) -> None:
    """Raise unless the action can fill the parameter."""
    if isinstance(action, (Keep, Loaded)):
        # The checkpoint has been compared with the parameter.
        return
    check_place(p, selector)
    if isinstance(action, Initializer):
        # Layers repeat.
        key = (action, p.shape, p.dtype, p.layout, p.groups)
        if key not in _checked:
            _check_initializer(p, action)
            if len(_checked) > _MANY:
                _checked.clear()
            _checked[key] = None
    else:
        _check_source(p, action)


def _check_initializer(p: Parameter, value: Initializer) -> None:
    if value.has_fans and value.arguments["layout"] is None and p.layout is None:
        if len(p.shape) < 2:
            raise ValueError(
                f"{value!r} depends on the inputs and outputs of a weight, which {_sized(p.shape)} does not have: use "
                "zeros(), uniform(-bound, bound), or layout='O'"
            )
        raise ValueError(f"{value!r} needs the layout of {_sized(p.shape)}, which is not known: pass layout=")
    shape, layout, groups = seen_by(value, p.shape, p.layout, p.groups)
    x = Abstract(shape, p.dtype)
    if 0 not in shape:
        value.fill(x, layout=layout, groups=groups)
        return
    with warnings.catch_warnings():
        # The fill itself warns.
        warnings.simplefilter("ignore")
        value.fill(x, layout=layout, groups=groups)


def _sized(shape: tuple[int, ...]) -> str:
    return f"an array of shape {shape}"


def _check_source(p: Parameter, action: Copied | Digest) -> None:
    if isinstance(action, Copied):
        x: Any = Abstract(p.shape, p.dtype)
        copy_(x, action.source)
    elif action.shape != p.shape:
        raise ValueError(f"the array has shape {action.shape}, but the parameter has shape {p.shape}")
