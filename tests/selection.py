"""Which tests a session runs, by the libraries that ARRAYINIT_TEST_BACKENDS names."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from libraries import KIT_ONLY, NEEDS, ON_GPU
from never_run import IN_WORKFLOW, NOT_INSTALLED

ASKED = [name for name in os.environ.get("ARRAYINIT_TEST_BACKENDS", "").split(",") if name]
_PEERS = [name for name in os.environ.get("ARRAYINIT_TEST_PEERS", "").split(",") if name]

# What a folder needs of what is asked for; tests of two libraries, and those of the pages, have sessions of their own.
_ROOMS: dict[str, tuple[str, ...]] = {
    "core": ("numpy",),
    "stream": ("numpy",),
    "kernels": ("numpy", "torch", "jax", "dask"),
    # NumPy stands in CuPy's place.
    "backends/cupy": ("cupy", "numpy"),
    "backends/containers": tuple(KIT_ONLY),
    # For all other libraries, the session of the pages runs these.
    "cli": ("mlx", *IN_WORKFLOW),
    "docs": (),
    "peers": (),
}


class NotAsked:
    """Let nothing import a library that is installed and not asked for, which would take each process seconds."""

    def __init__(self) -> None:
        names = {name.partition(":")[0] for name in (*ASKED, *_PEERS)}
        others = {"dask", "jax", "mlx", "tinygrad", "torch"} - names
        self.modules = others.difference(*(NEEDS.get(name, ()) for name in names))

    def find_spec(self, name: str, *_: object) -> None:
        if name in self.modules:
            raise ModuleNotFoundError(f"{name} is not among ARRAYINIT_TEST_BACKENDS", name=name)


def is_left_out(folder: Path, tests: Path) -> bool:
    """Whether nothing of a folder would run."""
    room = folder.relative_to(tests).as_posix() if folder.is_relative_to(tests) else ""
    libraries = _ROOMS.get(room, (folder.name,) if folder.parent == tests / "backends" else None)
    if not ASKED:
        return bool(libraries) and all(name in NOT_INSTALLED and not find_spec(name) for name in libraries)
    return libraries is not None and {name.partition(":")[0] for name in ASKED}.isdisjoint(libraries)


def is_held(item: pytest.Item) -> bool:
    """Whether a test of all libraries takes an object that holds an array."""
    given = getattr(item, "callspec", None)
    return given is not None and given.params.get("library") in KIT_ONLY


def is_elsewhere(item: pytest.Item) -> bool:
    """Whether a test needs a GPU, or a library of whose tests plain nox runs few or none."""
    is_marked = any(item.get_closest_marker(mark) for mark in ("gpu", "large"))
    return is_marked or bool(_taken(item) & ON_GPU) or not needed(item).isdisjoint(IN_WORKFLOW)


def needed(item: pytest.Item) -> set[str]:
    """Return the libraries that a test takes; if none, that of its folder, or NumPy."""
    own = item.path.parent
    if own.name == "containers":
        return _taken(item) or KIT_ONLY
    return _taken(item) or {own.name if own.parent.name == "backends" else "numpy"}


def _taken(item: pytest.Item) -> set[str]:
    """Return the libraries that a test takes by their fixtures."""
    names = {name.removesuffix("_library") for name in getattr(item, "fixturenames", ()) if name.endswith("_library")}
    given = getattr(item, "callspec", None)
    return names | ({given.params["library"]} if given and "library" in given.params else set())
