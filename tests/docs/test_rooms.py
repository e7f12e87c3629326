"""The rooms of the sources: each imports only from the rooms below it, in the order of the table in CONTRIBUTING."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from places import ROOT

SOURCE = ROOT / "src" / "arrayinit"
ROOMS = re.findall(r"^\| `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)

LIBRARIES = {"torch", "jax", "cupy", "dask", "array_api_compat", "keras", "haiku"}


def imported(source: str) -> Iterator[str]:
    """Yield the rooms that a file imports from, within functions too."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [node.module] if node.module != "arrayinit" else [f"arrayinit.{alias.name}" for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            if package == "arrayinit" and rest:
                yield rest.partition(".")[0]


def upwards(room: str, source: str) -> set[str]:
    """Return the rooms above its own from which a file imports."""
    return {name for name in imported(source) if name in ROOMS and ROOMS.index(name) < ROOMS.index(room)}


def test_the_table_names_each_room() -> None:
    assert set(ROOMS) == {folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").exists()}


@pytest.mark.parametrize("room", ROOMS)
def test_no_import_runs_upwards(room: str) -> None:
    found = {
        (str(file.relative_to(SOURCE)), name)
        for file in sorted((SOURCE / room).rglob("*.py"))
        for name in upwards(room, file.read_text(encoding="utf-8"))
    }
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "from arrayinit.backends.registry import backend_of",
        "def f():\n    import arrayinit.backends._numpy",
        "from arrayinit import backends",
    ],
)
def test_that_check_can_fail(source: str) -> None:
    assert upwards("core", source) == {"backends"}
    assert not upwards("initializers", source)


@pytest.mark.parametrize("room", ["core", "stream"])
def test_the_lower_rooms_know_no_array_library_but_numpy(room: str) -> None:
    for file in sorted((SOURCE / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            libraries = {name.partition(".")[0] for name in names} & LIBRARIES
            assert not libraries, (file.name, libraries)
