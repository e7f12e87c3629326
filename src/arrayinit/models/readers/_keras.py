"""Layers and models of Keras 3, on any of its backends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers.protocol import Reader, Reading, is_derived

_LAYER = frozenset({"keras.src.layers.layer.Layer"})
_SEEDS = frozenset({"keras.src.random.seed_generator.SeedGenerator"})
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
        for prefix, layer in _layers(model, ""):
            for variables, is_buffer in ((layer._trainable_variables, False), (layer._non_trainable_variables, True)):
                for variable in variables:
                    p = _parameter(f"{prefix}{variable.name}", layer, variable, is_buffer)
                    p.owner = owners.get(id(variable))
                    owners.setdefault(id(variable), p.name)
                    found.append(p)
        return Reading(found, lambda: model)


KERAS = Keras()


def _layers(layer: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield each layer with the prefix of its variables' names."""
    yield prefix, layer
    counts: dict[str, int] = {}
    for child in layer._layers:
        name = _own_name(child)
        number = counts[name] = counts.get(name, -1) + 1
        if any(True for _, inner in _layers(child, "") if inner._trainable_variables or inner._non_trainable_variables):
            yield from _layers(child, f"{prefix}{name}_{number}." if number else f"{prefix}{name}.")


def _own_name(layer: Any) -> str:
    """Return the name of a layer, without the number that Keras counts in the whole process."""
    made = _snake(type(layer).__name__)
    return made if re.fullmatch(rf"{made}(_\d+)?", layer.name) else str(layer.name)


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
        return _of_equation(layer.equation)
    return "...IO" if local in ("kernel", "recurrent_kernel", "pointwise_kernel") else None


def _of_equation(equation: str) -> str:
    """Return the layout of the kernel of ``EinsumDense``: a letter of input and output is a batch of weights."""
    inputs, kernel, outputs = re.split(r",|->", equation.replace(" ", ""))
    return "".join("B" if k in inputs and k in outputs else "O" if k in outputs else "I" for k in kernel)
