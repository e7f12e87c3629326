"""Adapters that other packages bring along, by the entry points of ``arrayinit.backends``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from arrayinit.backends.protocol import Backend, InPlace, Rebound, Replaced

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "arrayinit.backends"


def of_packages() -> Iterator[tuple[str, Callable[[], Backend]]]:
    """Yield, for each entry point, the import name of its library and a function that loads its adapter."""
    # Imported here: it takes longer than importing arrayinit, and arrays of the built-in backends never need it.
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        yield point.name, partial(_loaded, point)


def accepting(cls: type, failures: list[str]) -> Iterator[Backend]:
    """Yield the adapters, of libraries that are loaded, that accept a class; tell in ``failures`` which cannot say."""
    for name, load in of_packages():
        # A library that is not loaded cannot have made the array.
        if sys.modules.get(name) is not None:
            try:
                backend = load()
                if backend.accepts(cls):
                    yield backend
            except Exception as failure:  # noqa: BLE001
                failures.append(f"; the adapter for {name} cannot be loaded: {failure!r}")


def _loaded(point: EntryPoint) -> Backend:
    return as_backend(point.load()())


def as_backend(backend: Any) -> Backend:
    """Return a backend; raise TypeError for anything else."""
    if not isinstance(backend, (InPlace, Replaced, Rebound)):
        raise TypeError(
            f"a backend must derive from arrayinit.backends.InPlace, Replaced or Rebound, got {backend!r} of type "
            f"{type(backend).__qualname__}"
        )
    return backend
