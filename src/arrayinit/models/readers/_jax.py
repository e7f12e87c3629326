"""Trees of JAX: the leaves with their paths, and what stands for an array that is to be filled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers.protocol import Reading

Path = tuple[Any, ...]


class Leaf(NamedTuple):
    """A leaf of a tree."""

    path: Path
    value: Any
    holders: tuple[Any, ...]
    """The nodes on the path, from the tree itself to the node that holds the leaf."""


def leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Leaf]:
    """Return the leaves of a tree."""
    flatten = sys.modules["jax"].tree_util.tree_flatten_with_path
    return list(_leaves(tree, (), (), is_leaf or (lambda _: False), flatten))


def _leaves(
    node: Any, path: Path, holders: tuple[Any, ...], is_leaf: Callable[[Any], bool], flatten: Callable[..., Any]
) -> Iterator[Leaf]:
    """Yield the leaves of a node. Only JAX knows the children of a node; keys alone do not lead to them."""
    children = [((), node)] if is_leaf(node) else flatten(node, is_leaf=lambda other: other is not node)[0]
    for keys, child in children:
        if keys:
            yield from _leaves(child, (*path, *keys), (*holders, node), is_leaf, flatten)
        else:
            yield Leaf(path, child, holders)


def dotted(path: Path) -> str:
    """Return the dotted name of a path: ``layers.0.weight``."""
    return str(sys.modules["jax"].tree_util.keystr(path, simple=True, separator="."))


def is_ready() -> bool:
    """Whether JAX is loaded. While it is being imported, it has made no arrays, and lacks some of its names."""
    return all(hasattr(sys.modules.get("jax"), name) for name in ("Array", "ShapeDtypeStruct", "Ref", "tree_util"))


def is_jax_array(leaf: Any) -> bool:
    """Whether this is a JAX array, a tracer, a reference to an array, or the description of one."""
    jax: Any = sys.modules.get("jax")
    return is_ready() and isinstance(leaf, (jax.Array, jax.ShapeDtypeStruct, jax.Ref))


def reading(tree: Any, parameter: Callable[[Leaf], Parameter]) -> Reading:
    """Return the arrays of a tree, each described by ``parameter``; the result is a new tree."""
    found: list[Parameter] = []
    flat = leaves(tree)
    values = [leaf.value for leaf in flat]
    for number, leaf in enumerate(flat):
        is_of_numpy = isinstance(leaf.value, (np.ndarray, np.generic))
        if is_jax_array(leaf.value) or is_of_numpy:
            p = parameter(leaf)
            if is_of_numpy:
                # The tree that was given stays as it is.
                p.fresh = partial(np.array, leaf.value)
            p.has_values = not is_struct(leaf.value)
            p.put = partial(values.__setitem__, number)
            found.append(p)
        elif hasattr(leaf.value, "shape") and hasattr(leaf.value, "dtype"):
            kind = f"{type(leaf.value).__module__}.{type(leaf.value).__qualname__}"
            raise TypeError(f"a tree of JAX arrays must hold no other arrays, but {dotted(leaf.path)!r} is a {kind}")
    return Reading(found, lambda: sys.modules["jax"].tree_util.tree_structure(tree).unflatten(values))


def is_struct(array: Any) -> bool:
    """Whether this is the description of an array."""
    return type(array).__name__ == "ShapeDtypeStruct"
