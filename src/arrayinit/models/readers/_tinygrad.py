"""Objects of any class that hold tensors of tinygrad."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from arrayinit.backends.registry import backend_of
from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._memory import tie
from arrayinit.models.readers.protocol import Reader, Reading, entry_for, is_derived

_TENSOR = frozenset({"tinygrad.tensor.Tensor"})
_LAYOUTS: dict[str, dict[str, str]] = {
    "tinygrad.nn.Linear": {"weight": "OI"},
    "tinygrad.nn.Embedding": {"weight": "OI"},
    "tinygrad.nn.LSTMCell": {"weight_ih": "OI", "weight_hh": "OI"},
    # A transposed convolution derives from a convolution.
    "tinygrad.nn.ConvTranspose2d": {"weight": "IO..."},
    "tinygrad.nn.Conv2d": {"weight": "OI..."},
}


class Tinygrad(Reader):
    """Reads an object as `tinygrad.nn.state.get_state_dict` does."""

    def accepts(self, cls: type) -> bool:
        """Return False: a model is of any class, so `has_tensors` decides."""
        return False

    def read(self, model: Any) -> Reading:
        """Return the tensors under the names of the state dict; what is no parameter is a buffer."""
        found = [_parameter(name, tensor, holders) for name, tensor, holders in _tensors(model, "", ())]
        tie(found)
        return Reading(found, lambda: model)


TINYGRAD = Tinygrad()


def has_tensors(model: Any) -> bool:
    """Whether an object of any class holds tensors of tinygrad."""
    return "tinygrad" in sys.modules and next(_tensors(model, "", ()), None) is not None


def _tensors(node: Any, prefix: str, holders: tuple[Any, ...]) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Yield each tensor with its name, and the objects from the model down to the one that holds it."""
    if is_derived(type(node), _TENSOR):
        yield prefix.strip("."), node, holders
    elif isinstance(node, type) or any(node is holder for holder in holders):
        # tinygrad would follow an object into itself without end.
        return
    elif hasattr(node, "_asdict"):
        yield from _tensors(node._asdict(), prefix, holders)
    elif isinstance(node, (dict, list, tuple)):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _tensors(child, f"{prefix}{key}.", holders)
    elif hasattr(node, "__dict__"):
        for key, child in vars(node).items():
            yield from _tensors(child, f"{prefix}{key}.", (*holders, node))


def _parameter(name: str, tensor: Any, holders: tuple[Any, ...]) -> Parameter:
    module = holders[-1] if holders else None
    p = Parameter(name, tuple(tensor.shape), backend_of(tensor).dtype(tensor), tensor, module, holders=holders)
    layout = entry_for(type(module), _LAYOUTS, {}).get(p.local)
    if layout is not None:
        p.layout, p.groups = layout, getattr(module, "groups", 1)
    p.is_buffer = not tensor.is_param
    return p
