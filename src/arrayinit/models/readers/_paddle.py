"""Layers of Paddle."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._memory import tie
from arrayinit.models.readers.protocol import Reader, Reading, entry_for, is_derived

_LAYER = frozenset({"paddle.nn.layer.layers.Layer"})
_RECURRENT = frozenset({"paddle.nn.layer.rnn.RNNBase"})
_EMBEDDING = frozenset({"paddle.nn.layer.common.Embedding"})
_WRAPPER = frozenset({"paddle.distributed.parallel.DataParallel"})

_CONVOLUTION = "paddle.nn.layer.conv.Conv"
_PARALLEL = "paddle.distributed.fleet.layers.mpu.mp_layers"

# The layout of each weight, by the class of the layer. Each output of a bilinear layer is a sum over pairs of inputs.
_LAYOUTS: dict[str, dict[str, str]] = {
    "paddle.nn.layer.common.Linear": {"weight": "IO"},
    "paddle.nn.layer.common.Embedding": {"weight": "OI"},
    "paddle.nn.layer.common.Bilinear": {"weight": "OII"},
    **{f"{_CONVOLUTION}{n}D": {"weight": "OI..."} for n in (1, 2, 3)},
    **{f"{_CONVOLUTION}{n}DTranspose": {"weight": "IO..."} for n in (1, 2, 3)},
    "paddle.sparse.nn.layer.conv._Conv2D": {"weight": "...IO"},
    "paddle.sparse.nn.layer.conv._Conv3D": {"weight": "...IO"},
    "paddle.nn.layer.rnn.RNNCellBase": {"weight_ih": "OI", "weight_hh": "OI"},
    f"{_PARALLEL}.ColumnParallelLinear": {"weight": "IO"},
    f"{_PARALLEL}.RowParallelLinear": {"weight": "IO"},
    f"{_PARALLEL}.VocabParallelEmbedding": {"weight": "OI"},
}

# What Paddle keeps among the parameters, and no optimizer changes.
_STATISTICS: dict[str, tuple[str, ...]] = {
    "paddle.nn.layer.norm._BatchNormBase": ("_mean", "_variance"),
    "paddle.nn.layer.norm.BatchNorm": ("_mean", "_variance"),
    "paddle.nn.layer.norm.SpectralNorm": ("weight_u", "weight_v"),
}

Layer = Any


class Paddle(Reader):
    """Reads `paddle.nn.Layer`."""

    def accepts(self, cls: type) -> bool:
        """Whether this is a class of layers."""
        return is_derived(cls, _LAYER)

    def read(self, model: Layer) -> Reading:
        """Return the parameters and buffers, in the order of ``named_parameters``."""
        found: list[Parameter] = []
        for prefix, holders in _layers(model):
            layer = holders[-1]
            cls: Any = type(layer)
            statistics = entry_for(cls, _STATISTICS, ())
            for tensors, are_buffers in ((layer._parameters, False), (layer._buffers, True)):
                for local, tensor in tensors.items():
                    if tensor is not None:
                        p = _parameter(f"{prefix}{local}", tensor, layer, are_buffers or local in statistics)
                        p.holders = holders
                        found.append(p)
        tie(found)
        return Reading(found, lambda: model)


PADDLE = Paddle()


def _layers(layer: Layer, prefix: str = "", outer: tuple[Layer, ...] = ()) -> Iterator[tuple[str, tuple[Layer, ...]]]:
    """Yield the prefix of the names of each layer's parameters, and the layers from the model down to this one."""
    cls: Any = type(layer)
    holders = (*outer, layer)
    yield prefix, holders
    # The cells of a recurrent layer hold its own parameters, under other names.
    children = {} if is_derived(cls, _RECURRENT) else layer._sub_layers
    for name, child in children.items():
        if child is not None:
            yield from _layers(child, prefix if is_derived(cls, _WRAPPER) else f"{prefix}{name}.", holders)


def _parameter(name: str, tensor: Any, layer: Layer, is_buffer: bool) -> Parameter:
    """Return the description of a tensor of a layer."""
    dtype = str(tensor.dtype).removeprefix("paddle.")
    p = Parameter(name, tuple(tensor.shape), dtype, tensor, layer, is_buffer=is_buffer, fault=_fault(tensor))
    layout = _layout(layer, p.local)
    if layout is not None and len(p.shape) > 1:
        p.layout, p.groups = layout, vars(layer).get("_groups", 1)
        if p.groups != 1 and layout == "IO..." and not _has_views():
            p.fault = (
                p.fault or "its groups are filled through views, and FLAGS_use_stride_kernel=0 makes copies of them"
            )
    if p.local == "weight" and is_derived(type(layer), _EMBEDDING) and layer._padding_idx is not None:
        # A negative number counts from the end.
        p.zero_rows = (layer._padding_idx % tensor.shape[0],)
    return p


def _layout(layer: Layer, local: str) -> str | None:
    """Return the layout of a weight of a layer, by its name in the layer."""
    cls: Any = type(layer)
    if is_derived(cls, _RECURRENT):
        # Such as weight_ih_l0_reverse.
        return "OI" if local.startswith("weight_") else None
    return entry_for(cls, _LAYOUTS, {}).get(local)


def _has_views() -> bool:
    """Whether a reshaped tensor of Paddle shares its memory, as by default."""
    flag = "FLAGS_use_stride_kernel"
    return bool(sys.modules["paddle"].get_flags(flag)[flag])


def _fault(tensor: Any) -> str:
    """Return why a tensor cannot be filled, or an empty text."""
    if tensor.is_dist():
        return "it is distributed: initialize the layer, and then shard it"
    if getattr(tensor, "is_distributed", False):
        return "this process has a shard of it only, and a seed would give the same numbers to each shard"
    if not tensor._is_initialized() and 0 not in tensor.shape:
        return "it has no memory yet: call its initialize() after paddle.LazyGuard"
    return ""
