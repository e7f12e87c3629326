"""Adapters that other packages bring along, by the entry points of ``arrayinit.backends``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from arrayinit.backends.protocol import Backend

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "arrayinit.backends"


def of_packages() -> Iterator[tuple[str, Callable[[], Backend]]]:
    """Yield, for each entry point, the import name of its library and a function that loads its adapter."""
    # Imported here: it takes longer than importing arrayinit, and arrays of the built-in backends never need it.
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        yield point.name, partial(_loaded, point)


def loaded_of_packages(failures: list[str]) -> Iterator[Backend]:
    """Yield the adapters whose libraries are loaded; tell in ``failures`` which of them cannot be loaded."""
    for name, load in of_packages():
        # A library that is not loaded cannot have made the array.
        if name in sys.modules:
            try:
                backend = load()
            except Exception as failure:  # noqa: BLE001
                failures.append(f"; the adapter for {name} cannot be loaded: {failure!r}")
            else:
                yield backend


def _loaded(point: EntryPoint) -> Backend:
    backend: Backend = point.load()()
    return backend
