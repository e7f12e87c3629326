"""Modules of Equinox."""

from __future__ import annotations

from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._jax import Leaf, dotted, reading
from arrayinit.models.readers.protocol import Reader, Reading, entry_for, is_derived

_MODULE = frozenset({"equinox._module.Module", "equinox._module._module.Module"})
_LAYOUTS = {
    "equinox.nn._linear.Linear": {"weight": "OI"},
    "equinox.nn._embedding.Embedding": {"weight": "OI"},
    "equinox.nn._rnn.GRUCell": {"weight_ih": "OI", "weight_hh": "OI"},
    "equinox.nn._rnn.LSTMCell": {"weight_ih": "OI", "weight_hh": "OI"},
    # Of a transposed convolution too: its weight is that of a convolution.
    "equinox.nn._conv.Conv": {"weight": "OI..."},
    "equinox.nn._conv.ConvTranspose": {"weight": "OI..."},
}


class Equinox(Reader):
    """Reads `equinox.Module`."""

    def accepts(self, cls: type) -> bool:
        """Whether this is a class of modules."""
        return is_derived(cls, _MODULE)

    def read(self, model: Any) -> Reading:
        """Return the leaves that are arrays; the result is a new module."""
        return reading(model, _parameter)


EQUINOX = Equinox()


def _parameter(leaf: Leaf) -> Parameter:
    array, module = leaf.value, leaf.holders[-1]
    p = Parameter(dotted(leaf.path), tuple(array.shape), str(array.dtype), array, module, holders=leaf.holders)
    layout = entry_for(type(module), _LAYOUTS, {}).get(p.local)
    axes, groups = getattr(module, "num_spatial_dims", 0) + 2, getattr(module, "groups", 1)
    if layout is not None and len(p.shape) == axes:
        p.layout, p.groups = layout, groups
    # Layers that are stacked have one more axis, and it may be anywhere.
    if layout is not None and len(p.shape) == axes + 1:
        p.of_layer = layout, groups
    return p
