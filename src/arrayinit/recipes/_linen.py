"""The kernels of Flax linen, whose layers are not in the tree: what they are is told by names and neighbours."""

from __future__ import annotations

import re
from collections.abc import Mapping

from arrayinit.initializers.basic import normal
from arrayinit.initializers.constant import constant, ones, zeros
from arrayinit.initializers.orthogonal import orthogonal
from arrayinit.initializers.variance_scaling import lecun_normal, variance_scaling
from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._tree import bias_shape, shape_of
from arrayinit.models.rules import Rule
from arrayinit.recipes.of_parameter import OfParameter
from arrayinit.recipes.trees import beside, in_tree, is_in_tree, layer_name
from arrayinit.values.value import Initializer

# Each projection of a state in a recurrent cell, with that of the input beside it. A name may end in an underscore.
_STATE = {f"h{gate}": f"i{gate}" for gate in ("", *"ifgorzn")} | {"dense_h": "dense_i"}
_ATTENTION = {"query", "key", "value"}


def linen() -> list[Rule]:
    """Return the rules for the trees of Flax linen."""
    values = [
        (OfParameter("'kernel' of the state in a recurrent cell in a tree", _is_of_state), orthogonal()),
        (OfParameter("'bias' of the forget gate of an MGUCell in a tree", _is_of_forget_gate), ones()),
        (in_tree("kernel"), OfParameter("lecun_normal(layout=the one that the bias and the neighbours tell)", _kernel)),
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


def _kernel(p: Parameter) -> Initializer:
    layout = _of_attention(p) or _of_bias(p) if _is_in_attention(p) else p.layout or _of_bias(p)
    if layout is None:
        raise ValueError(
            f"lecun_normal() needs the layout of a kernel of shape {p.shape}, which may be one of stacked layers: "
            "put a rule for it first, as lecun_normal(layout='BIO')"
        )
    return lecun_normal(layout=layout)


def _is_in_attention(p: Parameter) -> bool:
    return len(p.shape) > 2 and beside(p).keys() >= _ATTENTION


def _of_attention(p: Parameter) -> str | None:
    """Return the layout in a layer of attention, whose outputs fit its last projection."""
    layers = (beside(p).get(name) for name in ("query", "out"))
    query, out = (shape_of(layer.get("kernel")) if isinstance(layer, Mapping) else () for layer in layers)
    if len(query) == len(out) == 3 and query[1:] == out[:2]:
        return "IOO" if layer_name(p) in _ATTENTION else "IIO"
    return None


def _of_bias(p: Parameter) -> str | None:
    """Return the layout by the bias, or None if the kernel may be one of stacked layers."""
    bias, axes = bias_shape(p.holders[-1]), len(p.shape)
    outputs = len(bias)
    # The inputs of a convolution of one axis, and of several axes that are made one, are all axes but the last.
    if axes == 3 and (outputs == 1 or re.fullmatch(r"Conv(Transpose)?_\d+", layer_name(p))):
        return "...IO"
    is_stacked = bias[:1] == p.shape[:1] and bias[1:] == p.shape[axes - outputs + 1 :]
    if 1 < outputs < axes and bias == p.shape[axes - outputs :] and not is_stacked:
        return "I" * (axes - outputs) + "O" * outputs
    return None
