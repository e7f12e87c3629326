"""The kernels of Flax linen, whose layers are not in the tree: what they are is told by names and neighbours."""

from __future__ import annotations

import re

from arrayinit.initializers.basic import normal
from arrayinit.initializers.constant import constant, ones, zeros
from arrayinit.initializers.orthogonal import orthogonal
from arrayinit.initializers.variance_scaling import lecun_normal, variance_scaling
from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._tree import bias_shape
from arrayinit.models.rules import Rule
from arrayinit.recipes.laid_out import laid_out
from arrayinit.recipes.of_parameter import OfParameter
from arrayinit.recipes.trees import beside, in_tree, is_in_tree, layer_name

# Each projection of a state in a recurrent cell, with that of the input beside it. A name may end in an underscore.
_STATE = {f"h{gate}": f"i{gate}" for gate in ("", *"ifgorzn")} | {"dense_h": "dense_i"}
_ATTENTION = {"query", "key", "value"}


def linen() -> list[Rule]:
    """Return the rules for the trees of Flax linen."""
    values = [
        (OfParameter("'kernel' of the state in a recurrent cell in a tree", _is_of_state), orthogonal()),
        (OfParameter("'bias' of the forget gate of an MGUCell in a tree", _is_of_forget_gate), ones()),
        (in_tree("kernel"), OfParameter("lecun_normal(layout=layout of the bias and the neighbours)", _kernel)),
        (in_tree("embedding"), variance_scaling(1.0, "fan_in", "normal")),
        (in_tree("scale"), ones()),
        (in_tree("bias"), zeros()),
        (in_tree("negative_slope"), constant(0.01)),
        ("^batch_stats.**.mean", zeros()),
        ("^batch_stats.**.var", ones()),
        ("^batch_stats.**.u", normal()),
        ("^batch_stats.**.sigma", ones()),
    ]
    return [Rule(selector, value, optional=True) for selector, value in values]


def _is_of_state(p: Parameter) -> bool:
    partner = _STATE.get(layer_name(p))
    return is_in_tree(p, "kernel") and partner is not None and not {partner, f"{partner}_"}.isdisjoint(beside(p))


def _is_of_forget_gate(p: Parameter) -> bool:
    return is_in_tree(p, "bias") and layer_name(p) == "if" and {"hf", "in", "hn"} <= beside(p).keys()


def _kernel(p: Parameter) -> object:
    return laid_out(lecun_normal(), p.layout or _layout(p))


def _layout(p: Parameter) -> str | None:
    """Return the layout of a kernel from its bias and its neighbours, or None if it may be one of stacked layers."""
    axes, bias = len(p.shape), bias_shape(p.holders[-1])
    if axes == 3 and beside(p).keys() >= _ATTENTION:
        return "IOO" if layer_name(p) in _ATTENTION else "IIO"
    # The inputs of a convolution of one axis, and of attention's last projection, are all axes but the last.
    if axes == 3 and (len(bias) == 1 or re.fullmatch(r"Conv(Transpose)?_\d+", layer_name(p))):
        return "...IO"
    outputs = len(bias)
    is_stacked = bias[:1] == p.shape[:1] and bias[1:] == p.shape[axes - outputs + 1 :]
    if 1 < outputs < axes and bias == p.shape[axes - outputs :] and not is_stacked:
        return "I" * (axes - outputs) + "O" * outputs
    return None
