"""A library that is half imported or broken, or whose adapter is, breaks no array of another library."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from libraries import Library
from processes import run

import arrayinit as ai
from arrayinit.backends import registry
from arrayinit.backends.protocol import InPlace

# Every library but NumPy, which is there before arrayinit.
LIBRARIES = sorted({*registry.ARRAYS, *registry.CONTAINERS} - {"numpy"})
every_library = pytest.mark.parametrize("name", LIBRARIES)


class Subclass(np.ndarray):
    """An array of a program's own."""


class Standard:
    """An array of a library that follows the standard, and that no adapter of its own knows."""

    def __init__(self) -> None:
        self.values = np.ones(4, np.float32)
        self.shape, self.dtype, self.device = self.values.shape, self.values.dtype, "cpu"

    def __setitem__(self, index: Any, value: Any) -> None:
        self.values[index] = value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return np


@pytest.fixture(autouse=True)
def nothing_known(numpy_library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry as after the import."""
    registry._by_type.clear()
    monkeypatch.setattr(registry, "_supported", set())


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an empty module in place of a library, and of the package that it is in."""
    for module in {name, name.partition(".")[0]}:
        monkeypatch.setitem(sys.modules, module, ModuleType(module))


def array_of(name: str) -> Any:
    """Return an object whose class comes from a library."""
    return type("Thing", (), {"__module__": f"{name}.core", "shape": (3,)})()


def check_the_others() -> None:
    """Fill, copy and initialize arrays of other libraries."""
    expected = ai.normal_(np.empty(4, np.float32), rng=0)
    for x in (np.ones(4, np.float32), np.ones(4, np.float32).view(Subclass), Standard()):
        assert ai.normal_(x, rng=0, std=np.float64(1)) is x
        np.testing.assert_array_equal(np.asarray(x), expected)
        assert (ai.copy_(np.empty(4), x) == expected).all()
        assert (np.asarray(ai.constant_(x, np.array(2.0))) == 2).all()
    model = {"w": np.empty((3, 4))}
    assert ai.initialize(model, [("w", ai.normal())], rng=np.random.default_rng(0)) is model
    with pytest.raises(TypeError, match=r"x must be an array of .*got builtins\.list: pass numpy"):
        ai.zeros_([1.0])


@every_library
def test_a_library_that_is_half_imported(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    load(name, monkeypatch)
    # So that its adapter is imported anew, and finds nothing in the library.
    for module in [module for module in sys.modules if module.startswith("arrayinit.backends._")]:
        if module not in ("arrayinit.backends._numpy", "arrayinit.backends._torch", "arrayinit.backends._array_api"):
            monkeypatch.delitem(sys.modules, module)
    check_the_others()
    with pytest.raises((ImportError, AttributeError)):
        ai.zeros_(array_of(name))
    check_the_others()


@every_library
def test_a_library_whose_import_is_blocked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name.partition(".")[0], None)
    monkeypatch.setitem(sys.modules, name, None)
    check_the_others()
    with pytest.raises(TypeError, match="x must be an array of"):
        ai.zeros_(array_of(name))


@every_library
@pytest.mark.parametrize("error", [ImportError, RuntimeError])
def test_an_adapter_that_cannot_be_loaded(name: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    load(name, monkeypatch)

    def broken() -> Any:
        raise error("a shared object is missing")

    for table in (registry.ARRAYS, registry.CONTAINERS):
        if name in table:
            monkeypatch.setitem(table, name, broken)
    check_the_others()
    with pytest.raises(error, match="a shared object is missing"):
        ai.zeros_(array_of(name))
    check_the_others()


@pytest.mark.parametrize("name", sorted(registry.NEEDED))
def test_a_library_that_is_too_old(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = next(module for module in LIBRARIES if module.partition(".")[0] == name)
    load(module, monkeypatch)
    for loaded in {module, name}:
        monkeypatch.setattr(sys.modules[loaded], "__version__", "0.0.1", raising=False)
    check_the_others()
    with pytest.raises(ImportError, match=rf"arrayinit needs {name} >= .*, but {name} 0\.0\.1 is installed"):
        ai.zeros_(array_of(module))
    check_the_others()


class Failing(InPlace):
    """An adapter that fails where it is asked."""

    def accepts(self, cls: type) -> bool:
        raise KeyError("a table is missing")

    def dtype(self, x: Any) -> str:
        raise NotImplementedError

    def read(self, x: Any) -> Iterator[Any]:
        raise NotImplementedError

    def write(self, x: Any, fill: Any) -> Any:
        raise NotImplementedError


def cannot_be_imported() -> Any:
    raise ImportError("its package is broken")


def cannot_be_made() -> Any:
    raise ValueError("no device")


POINTS: dict[str, tuple[Callable[[], Any], str]] = {
    "not importable": (cannot_be_imported, r"ImportError\('its package is broken'\)"),
    "no function": (lambda: 3, "TypeError.*not callable"),
    "fails when called": (lambda: cannot_be_made, r"ValueError\('no device'\)"),
    "no backend": (
        lambda: lambda: None,
        r"TypeError.*must derive from arrayinit\.backends\.InPlace, Replaced or Rebound",
    ),
    "fails when asked": (lambda: Failing, r"KeyError\('a table is missing'\)"),
}


@pytest.mark.parametrize("kind", POINTS)
def test_an_entry_point_that_is_broken(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, text = POINTS[kind]
    monkeypatch.setitem(sys.modules, "crates", ModuleType("crates"))
    point = SimpleNamespace(name="crates", load=loaded)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: [point])
    check_the_others()
    with pytest.raises(TypeError, match=rf"got crates\.core\.Thing; the adapter for crates cannot be loaded: {text}"):
        ai.zeros_(array_of("crates"))
    check_the_others()


SCRIPT = """
import sys

import numpy as np

import arrayinit as ai

for name in sys.argv[1:]:
    try:
        __import__(name)
    except ZeroDivisionError:
        pass
    else:
        raise AssertionError(name)
assert (ai.zeros_(np.ones(3)) == 0).all()
"""

# What calls arrayinit while it is being imported, and then fails.
LIBRARY = """
import sys

import numpy as np

import arrayinit as ai

assert __name__ in sys.modules
values = ai.normal_(np.empty((2, 3)), rng=0, std=np.array(1.0))
model = {"w": values}
assert ai.initialize(model, [("w", ai.zeros())], rng=np.random.default_rng(0)) is model
assert (ai.copy_(np.ones((2, 3)), values) == 0).all()
1 / 0
"""


def test_libraries_that_call_arrayinit_while_they_are_imported(tmp_path: Path) -> None:
    packages = sorted({name.partition(".")[0] for name in LIBRARIES})
    for package in packages:
        (tmp_path / f"{package}.py").write_text(LIBRARY)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{SCRIPT}"
    run(script, *packages)
