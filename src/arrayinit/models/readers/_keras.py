"""Layers and models of Keras 3, on any of its backends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._equation import layout_of_equation
from arrayinit.models.readers.protocol import Reader, Reading, is_derived

_LAYER = frozenset({"keras.src.layers.layer.Layer"})
_TRANSPOSED = frozenset({"keras.src.layers.convolutional.base_conv_transpose.BaseConvTranspose"})
_DEPTHWISE = frozenset({"keras.src.layers.convolutional.base_depthwise_conv.BaseDepthwiseConv"})
_EINSUM = frozenset({"keras.src.layers.core.einsum_dense.EinsumDense"})


class Keras(Reader):
    """Reads layers and models of Keras."""

    def accepts(self, cls: type) -> bool:
        """Whether this is a class of layers."""
        return is_derived(cls, _LAYER)

    def read(self, model: Any) -> Reading:
        """Return the variables of all layers. A layer is counted within its container, and not within the process."""
        found: list[Parameter] = []
        owners: dict[int, str] = {}
        layers = list(_layers(model))
        _check_built(layers)
        for prefix, holders in layers:
            layer = holders[-1]
            # A wrapper may hold a variable of the layer that it wraps.
            inner = {id(variable) for child in layer._layers for _, variable in _variables(child)}
            unnamed = 0
            for is_buffer, variable in _own_variables(layer):
                if id(variable) not in inner:
                    local = variable.name
                    if re.fullmatch(r"variable(_\d+)?", local):
                        # Keras counts these in the whole process.
                        local, unnamed = f"variable_{unnamed}" if unnamed else "variable", unnamed + 1
                    p = _parameter(f"{prefix}{local}", layer, variable, is_buffer)
                    p.holders = holders
                    p.owner = owners.get(id(variable))
                    owners.setdefault(id(variable), p.name)
                    found.append(p)
        return Reading(found, lambda: model)


KERAS = Keras()


def _layers(layer: Any, prefix: str = "", outer: tuple[Any, ...] = ()) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the prefix of the names of each layer's variables, and the layers from the model down to this one."""
    holders = (*outer, layer)
    yield prefix, holders
    counts: dict[str, int] = {}
    for child in layer._layers:
        name = _own_name(child)
        number = counts[name] = counts.get(name, -1) + 1
        yield from _layers(child, f"{prefix}{name}_{number}." if number else f"{prefix}{name}.", holders)


def _own_variables(layer: Any) -> Iterator[tuple[bool, Any]]:
    """Yield whether a variable is a buffer, and the variable."""
    for variable in layer._trainable_variables:
        yield False, variable
    for variable in layer._non_trainable_variables:
        yield True, variable


def _variables(layer: Any) -> Iterator[tuple[bool, Any]]:
    """Yield the variables of a layer and of all layers in it."""
    yield from _own_variables(layer)
    for child in layer._layers:
        yield from _variables(child)


def _check_built(layers: list[tuple[str, tuple[Any, ...]]]) -> None:
    """Raise ValueError if a layer has no variables yet."""
    # The build of Keras's base class makes no variables.
    unbuilt = [
        prefix.removesuffix(".") or layer.name
        for prefix, (*_, layer) in layers
        if not layer.built and not getattr(layer.build, "_is_default", False)
    ]
    if unbuilt:
        raise ValueError(
            "call the model once, or build it by model.build(input_shape): these layers have no variables yet: "
            f"{', '.join(unbuilt)}"
        )


def _own_name(layer: Any) -> str:
    """Return the name of a layer, without the number that Keras counts in the whole process."""
    made = _snake(type(layer).__name__)
    # Bidirectional names the layers that it makes after the one that it takes.
    counted = re.fullmatch(rf"((?:forward_|backward_)?{made})(?:_\d+)?", layer.name)
    return counted[1] if counted else str(layer.name)


def _snake(name: str) -> str:
    """Return the name that Keras gives a layer of this class: ``conv2d_transpose``."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _parameter(name: str, layer: Any, variable: Any, is_buffer: bool) -> Parameter:
    """Return the description of a variable."""
    shape = tuple(variable.shape)
    layout = _layout(layer, variable.name, len(shape)) if len(shape) > 1 else None
    groups = getattr(layer, "groups", 1) if layout == "...IO" else 1
    return Parameter(
        name,
        shape,
        str(variable.dtype),
        variable.value,
        layer,
        layout,
        groups,
        is_buffer=is_buffer,
        put=variable.assign,
    )


def _layout(layer: Any, local: str, ndim: int) -> str | None:
    """Return the layout of a variable of a layer."""
    cls = type(layer)
    if local == "embeddings":
        return "OI"
    if local == "depthwise_kernel" or (local == "kernel" and is_derived(cls, _DEPTHWISE)):
        return "...BO"
    if local == "kernel" and is_derived(cls, _TRANSPOSED):
        return "...OI"
    if local == "kernel" and is_derived(cls, _EINSUM):
        return layout_of_equation(layer.equation)
    return "...IO" if local in ("kernel", "recurrent_kernel", "pointwise_kernel") else None
