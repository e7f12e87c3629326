"""Trees of JAX arrays: the parameters of Flax linen and of Haiku, and any other pytree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._jax import Leaf, dotted, is_jax_array, is_ready, leaves, reading
from arrayinit.models.readers.protocol import Reader, Reading, is_derived

# What Flax puts around an array to say how it is sharded.
_BOX = frozenset({"flax.core.meta.AxisMetadata"})
# Haiku names a layer after its class.
_TRANSPOSED = re.compile(r"conv\d_d_transpose(_\d+)?\.w$")


class Tree(Reader):
    """Reads any pytree that has an array of JAX, or the description of one, among its leaves."""

    def accepts(self, cls: type) -> bool:
        """Return False: a tree is known by its leaves and not by its type."""
        return False

    def read(self, model: Any) -> Reading:
        """Return the leaves that are arrays; the result is a new tree."""
        return reading(model, _parameter)


TREE = Tree()


def has_jax_arrays(model: Any) -> bool:
    """Whether this is a tree with an array of JAX among its leaves."""
    return is_ready() and not is_jax_array(model) and any(is_jax_array(leaf.value) for leaf in leaves(model))


def _parameter(leaf: Leaf) -> Parameter:
    path, array, holders = leaf
    if is_derived(type(holders[-1]), _BOX):
        path, holders = path[:-1], holders[:-1]
    key = dotted(path)
    p = Parameter(plain_name(key), tuple(array.shape), str(array.dtype), array, holders=holders)
    p.is_buffer = key.startswith("batch_stats.")
    p.of_layer = _layout(p, len(p.shape) - 1), 1
    if not is_stacked(holders[-1]):
        p.layout = _layout(p, len(p.shape))
    return p


def _layout(p: Parameter, ndim: int) -> str | None:
    """Return the layout of a parameter with this number of axes."""
    layout = layout_of(p.local, ndim)
    return "...OI" if layout == "...IO" and _TRANSPOSED.search(p.name) else layout


def plain_name(name: str) -> str:
    """Return a name without the collection ``params`` of Flax, and with dots in place of Haiku's slashes."""
    return re.sub(r"(?<![^.])~\.", "", name.replace("/", ".")).removeprefix("params.")


def is_stacked(holder: Any) -> bool:
    """Whether the bias beside a kernel has more than one axis, as in layers that are scanned, and in attention."""
    return len(bias_shape(holder)) > 1


def bias_shape(holder: Any) -> tuple[int, ...]:
    """Return the shape of the bias that a mapping holds; without a bias, that of a scalar."""
    return shape_of(holder.get("bias", holder.get("b"))) if isinstance(holder, Mapping) else ()


def shape_of(leaf: Any) -> tuple[int, ...]:
    """Return the shape of an array that may be in a box of Flax; of anything else, that of a scalar."""
    array = leaf.get_value() if hasattr(leaf, "get_value") else getattr(leaf, "value", leaf)
    return tuple(getattr(array, "shape", ()))


def layout_of(local: str, ndim: int) -> str | None:
    """Return the layout of an array of Flax or of Haiku, from the last segment of its name."""
    if local in ("embedding", "embeddings"):
        return "OI" if ndim == 2 else None
    if ndim > 1 and (local == "w" or (local == "kernel" and ndim != 3)):
        return "...IO"
    # A kernel of three axes may be one of attention, or of a convolution.
    return None
