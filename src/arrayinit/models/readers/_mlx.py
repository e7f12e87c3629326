"""Modules of MLX."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._memory import tie
from arrayinit.models.readers.protocol import Reader, Reading, entry_for, is_derived

_MODULE = frozenset({"mlx.nn.layers.base.Module"})
_LAYERS = "mlx.nn.layers"
_LINEAR: dict[str, str] = {"weight": "OI"}
_CONVOLUTION = {"weight": "O...I"}
_RECURRENT: dict[str, str] = dict.fromkeys(("Wx", "Wh", "Wxh", "Whh"), "OI")
_LAYOUTS: dict[str, dict[str, str]] = {
    f"{_LAYERS}.linear.Linear": _LINEAR,
    f"{_LAYERS}.linear.Bilinear": {"weight": "OII"},
    f"{_LAYERS}.embedding.Embedding": _LINEAR,
    f"{_LAYERS}.quantized.QQLinear": _LINEAR,
    **{f"{_LAYERS}.distributed.{name}Linear": _LINEAR for name in ("AllToSharded", "ShardedToAll")},
    **{f"{_LAYERS}.convolution.Conv{n}d": _CONVOLUTION for n in (1, 2, 3)},
    # Its weight has the axes of a convolution.
    **{f"{_LAYERS}.convolution_transpose.ConvTranspose{n}d": _CONVOLUTION for n in (1, 2, 3)},
    **{f"{_LAYERS}.recurrent.{name}": _RECURRENT for name in ("RNN", "GRU", "LSTM")},
}
_BATCH_NORM = frozenset({f"{_LAYERS}.normalization.BatchNorm"})
_SHARDED = frozenset(
    f"{_LAYERS}.distributed.{kind}{name}Linear"
    for kind in ("", "Quantized")
    for name in ("AllToSharded", "ShardedToAll")
)


class MLX(Reader):
    """Reads `mlx.nn.Module`."""

    def accepts(self, cls: type) -> bool:
        """Whether this is a class of modules."""
        return is_derived(cls, _MODULE)

    def read(self, model: Any) -> Reading:
        """Return the arrays of ``model.parameters()``, frozen or not, under the names of ``tree_flatten``."""
        found = list(_parameters(model, "", (model,)))
        tie(found)
        return Reading(found, lambda: model)


MLX_MODULES = MLX()


def _parameters(node: Any, prefix: str, holders: tuple[Any, ...]) -> Iterator[Parameter]:
    """Yield the arrays of a module, or of a dict or a list in a module."""
    module, is_module = holders[-1], node is holders[-1]
    items: Any = enumerate(node) if isinstance(node, list) else node.items()
    for key, value in items:
        # MLX takes these for no parameters.
        if is_module and key.startswith("_"):
            continue
        name = f"{prefix}{key}"
        if is_derived(type(value), _MODULE):
            yield from _parameters(value, f"{name}.", (*holders, value))
        elif isinstance(value, (dict, list)):
            yield from _parameters(value, f"{name}.", holders)
        elif type(value).__module__ == "mlx.core":
            yield _parameter(name, value, module, holders)


def _parameter(name: str, array: Any, module: Any, holders: tuple[Any, ...]) -> Parameter:
    dtype = str(array.dtype).rpartition(".")[2]
    p = Parameter(name, tuple(array.shape), dtype, array, module, holders=holders)
    layout = entry_for(type(module), _LAYOUTS, {}).get(p.local)
    if _is_quantized(module) and p.local in ("weight", "scales", "biases"):
        p.fault = "it is quantized: initialize the model, then quantize it; or use keep()"
    elif is_derived(type(module), _SHARDED) and module.group.size() > 1:
        p.fault = "it is a part of a larger weight: initialize the model, then shard it; or use keep()"
    elif layout is not None:
        p.layout, p.groups = layout, getattr(module, "groups", 1)
    # Statistics, and tables of integers.
    p.is_buffer = not p.fault and (
        dtype == "bool" or "int" in dtype or (is_derived(type(module), _BATCH_NORM) and p.local.startswith("running_"))
    )
    return p


def _is_quantized(module: Any) -> bool:
    """Whether the weight of a layer is packed into integers."""
    return "scales" in module and "int" in str(module["weight"].dtype)
