"""Parameters in trees of mappings, as those of Flax linen and Haiku: they have no layers, only names and neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.recipes.of_parameter import OfParameter


def in_tree(*names: str) -> OfParameter:
    """Return the selector of the parameters in trees whose last segment is one of these names."""
    return OfParameter(" or ".join(f"'{name}'" for name in names) + " in a tree", lambda p: is_in_tree(p, *names))


def is_in_tree(p: Parameter, *names: str) -> bool:
    """Whether a parameter has one of these names, and is held by a mapping and not by a layer."""
    return p.local in names and bool(p.holders) and isinstance(p.holders[-1], Mapping)


def layer_name(p: Parameter) -> str:
    """Return the last segment but one: in a tree, the name of the layer."""
    return p.name.rpartition(".")[0].rpartition(".")[2]


def beside(p: Parameter) -> Mapping[str, Any]:
    """Return the layers beside that of a parameter, by their names."""
    parent: Any = p.holders[-2] if len(p.holders) > 1 else {}
    return parent if isinstance(parent, Mapping) else {}
