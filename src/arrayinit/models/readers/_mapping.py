"""Mappings of names to arrays, nested or flat, and pairs of names and arrays."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from arrayinit.backends.protocol import Replaced
from arrayinit.backends.registry import backend_of
from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._memory import tie
from arrayinit.models.readers._torch import is_loaded
from arrayinit.models.readers.protocol import ON_META, Reader, Reading


class OfMapping(Reader):
    """Reads a mapping; mappings, lists and tuples may be nested."""

    def accepts(self, cls: type) -> bool:
        """Whether this is a class of mappings."""
        return issubclass(cls, Mapping)

    def read(self, model: Mapping[str, Any]) -> Reading:
        """Return the arrays under dotted keys. If none must be replaced, the result is the mapping itself."""
        new: dict[str, Any] = {}
        found = _parameters(_leaves(model, ""), new)
        if any(isinstance(backend_of(p.array), Replaced) for p in found):
            return Reading(found, lambda: _rebuilt(model, "", new))
        return Reading(found, lambda: model)


def are_pairs(model: Any) -> bool:
    """Whether this is a list of pairs of names and arrays, or gives such pairs one by one."""
    if isinstance(model, (Iterator, ItemsView)):
        return True
    is_list = isinstance(model, (list, tuple)) and not hasattr(model, "_fields") and bool(model)
    return is_list and all(isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in model)


class OfPairs(Reader):
    """Reads an iterable of pairs (name, array), such as ``module.named_parameters()``."""

    def accepts(self, cls: type) -> bool:
        """Whether this is a class of iterables that may hold pairs."""
        return issubclass(cls, Iterable) and not issubclass(cls, (str, bytes)) and not hasattr(cls, "shape")

    def read(self, model: Iterable[tuple[str, Any]]) -> Reading:
        """Return the arrays; the result is a list of pairs."""
        pairs = list(model)
        for pair in pairs:
            if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
                raise TypeError(f"an iterable that stands for a model must yield pairs (name, array), got {pair!r}")
        new: dict[str, Any] = dict(pairs)
        if len(new) < len(pairs):
            raise ValueError("an iterable that stands for a model must not yield a name twice")
        return Reading(_parameters(iter(pairs), new), lambda: list(new.items()))


MAPPING, PAIRS = OfMapping(), OfPairs()


def _parameters(named: Iterator[tuple[str, Any]], new: dict[str, Any]) -> list[Parameter]:
    """Return the description of each array; filled arrays are put into ``new``."""
    found: list[Parameter] = []
    for name, array in named:
        new[name] = array
        dtype = _dtype(name, array)
        p = Parameter(name, tuple(array.shape), dtype, array, put=partial(new.__setitem__, name))
        if getattr(array, "is_meta", False) is True:
            p.has_values = False
            p.fault = ON_META
        p.is_loaded = is_loaded(array)
        found.append(p)
    tie(found)
    return found


def _dtype(name: str, array: Any) -> str:
    try:
        return backend_of(array).dtype(array)
    except TypeError as error:
        raise TypeError(f"{name!r} in the model is no array: {error}") from None


def _children(node: Any) -> Iterator[tuple[str, Any]] | None:
    """Return the children of a container by name, or None for an array."""
    if isinstance(node, Mapping):
        return ((str(key), child) for key, child in node.items())
    if hasattr(node, "_fields"):
        return zip(node._fields, node, strict=True)
    if isinstance(node, (list, tuple)):
        return ((str(number), child) for number, child in enumerate(node))
    return None


def _leaves(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield the arrays under dotted keys."""
    for key, child in _children(node) or ():
        name = f"{prefix}{key}"
        if _children(child) is None:
            yield name, child
        else:
            yield from _leaves(child, f"{name}.")


def _rebuilt(node: Any, prefix: str, new: Mapping[str, Any]) -> Any:
    """Return a container of the same kind with the new arrays."""
    kind: Any = type(node)
    made = {
        key: new[f"{prefix}{key}"] if _children(child) is None else _rebuilt(child, f"{prefix}{key}.", new)
        for key, child in _children(node) or ()
    }
    if isinstance(node, Mapping):
        return kind(dict(zip(node, made.values(), strict=True)))
    return kind(*made.values()) if hasattr(node, "_fields") else kind(made.values())
