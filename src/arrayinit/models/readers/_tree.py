"""Trees of JAX arrays: the parameters of Flax linen and of Haiku, and any other pytree."""

from __future__ import annotations

import re
import sys
from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._jax import Path, dotted, is_jax_array, leaves, reading
from arrayinit.models.readers.protocol import Reader, Reading


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
    return "jax" in sys.modules and not is_jax_array(model) and any(is_jax_array(leaf) for _, leaf in leaves(model))


def _parameter(path: Path, leaf: Any) -> Parameter:
    key = dotted(path)
    p = Parameter(plain_name(key), tuple(leaf.shape), str(leaf.dtype), leaf)
    p.is_buffer = key.startswith("batch_stats.")
    p.layout = layout_of(p.local, len(p.shape))
    return p


def plain_name(name: str) -> str:
    """Return a name without the collection ``params`` of Flax, and with dots in place of Haiku's slashes."""
    return re.sub(r"\.~(?=\.)", "", name.replace("/", ".")).removeprefix("params.")


def layout_of(local: str, ndim: int) -> str | None:
    """Return the layout of an array of Flax linen or of Haiku, from the last segment of its name."""
    if ndim < 2:
        return None
    if local in ("embedding", "embeddings"):
        return "OI"
    if local == "w" or (local == "kernel" and ndim != 3):
        return "...IO"
    # A kernel of three axes may be one of attention, or of a convolution.
    return None
