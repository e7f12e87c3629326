"""Trees of JAX: the leaves with their paths, and what stands for an array that is to be filled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers.protocol import Reading

Path = Sequence[Any]


def leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[tuple[Path, Any]]:
    """Return the leaves of a tree with their paths."""
    found: list[tuple[Path, Any]] = sys.modules["jax"].tree_util.tree_flatten_with_path(tree, is_leaf=is_leaf)[0]
    return found


def dotted(path: Path) -> str:
    """Return the dotted name of a path: ``layers.0.weight``."""
    return str(sys.modules["jax"].tree_util.keystr(tuple(path), simple=True, separator="."))


def is_jax_array(leaf: Any) -> bool:
    """Whether this is a JAX array, a tracer, or the description of an array."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(leaf, (jax.Array, jax.ShapeDtypeStruct))


def at(tree: Any, path: Path) -> Any:
    """Return the node at a path."""
    for key in path:
        tree = getattr(tree, key.name) if hasattr(key, "name") else tree[key.key if hasattr(key, "key") else key.idx]
    return tree


def reading(tree: Any, parameter: Callable[[Path, Any], Parameter]) -> Reading:
    """Return the arrays of a tree, each described by ``parameter``; the result is a new tree."""
    found: list[Parameter] = []
    flat = leaves(tree)
    values = [leaf for _, leaf in flat]
    for number, (path, leaf) in enumerate(flat):
        if is_jax_array(leaf) or hasattr(leaf, "__array__"):
            p = parameter(path, leaf)
            p.has_values = not is_struct(leaf)
            p.put = partial(values.__setitem__, number)
            found.append(p)
    return Reading(found, lambda: sys.modules["jax"].tree_util.tree_structure(tree).unflatten(values))


def is_struct(array: Any) -> bool:
    """Whether this is the description of an array."""
    return type(array).__name__ == "ShapeDtypeStruct"
