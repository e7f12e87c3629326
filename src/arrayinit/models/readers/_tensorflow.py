"""Modules of TensorFlow and layers of Sonnet."""

from __future__ import annotations

from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._memory import tie
from arrayinit.models.readers.protocol import Reader, Reading, entry_for, is_derived

_MODULE = frozenset({"tensorflow.python.module.module.Module"})
_VARIABLE = frozenset({"tensorflow.python.ops.variables.Variable"})

# The layout of the weights of a layer of Sonnet.
_LAYOUTS: dict[str, str | None] = {
    "sonnet.src.conv.ConvND": "...IO",
    "sonnet.src.conv_transpose.ConvNDTranspose": "...OI",
    "sonnet.src.depthwise_conv.DepthwiseConv2D": "...BO",
    "sonnet.src.embed.Embed": "OI",
    "sonnet.src.linear.Linear": "IO",
    "sonnet.src.recurrent.GRU": "IO",
    "sonnet.src.recurrent.LSTM": "IO",
}


class TensorFlow(Reader):
    """Reads `tf.Module`, by the attributes that hold variables and other modules."""

    def accepts(self, cls: type) -> bool:
        """Whether this is a class of modules."""
        return is_derived(cls, _MODULE)

    def read(self, model: Any) -> Reading:
        """Return the variables; one that several attributes hold is of the first of them."""
        modules = {(): model, **dict(_found(model, _MODULE))}
        found = [_parameter(path, variable, modules) for path, variable in _found(model, _VARIABLE)]
        if not found:
            raise ValueError(f"call the model once: {type(model).__qualname__} has no variables yet")
        tie(found)
        return Reading(found, lambda: model)


TENSORFLOW = TensorFlow()


def _found(model: Any, classes: frozenset[str]) -> list[tuple[tuple[Any, ...], Any]]:
    """Return each object of these classes, with the attributes, keys and numbers that lead to it."""
    return list(model._flatten(predicate=lambda leaf: is_derived(type(leaf), classes), with_path=True))


def _parameter(path: tuple[Any, ...], variable: Any, modules: dict[tuple[Any, ...], Any]) -> Parameter:
    """Return the description of a variable."""
    holders = tuple(modules[path[:k]] for k in range(len(path)) if path[:k] in modules)
    name, shape = ".".join(str(part).removeprefix("_") for part in path), tuple(variable.shape)
    layout = entry_for(type(holders[-1]), _LAYOUTS, None) if len(shape) > 1 else None
    dtype, fixed = variable.dtype.name, not variable.trainable
    return Parameter(name, shape, dtype, variable, holders[-1], layout, is_buffer=fixed, holders=holders)
