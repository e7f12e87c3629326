"""Adapters say which releases of their libraries they need."""

from __future__ import annotations

import re
import sys
import tomllib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from libraries import Library, no_such_case
from places import ROOT

import arrayinit as ai
from arrayinit.backends import registry

OLD = {
    "torch": "2.10.1",
    "jax": "0.9.9",
    "cupy": "13.6.0",
    "dask": "2025.12.0",
    "mlx": "0.31.2",
    "tensorflow": "2.20.0",
    "paddle": "3.2.2",
    "tinygrad": "0.13.0",
    "flax": "0.11.2",
    "keras": "2.15.0",
}
MODULE = {
    package: {"dask": "dask.array", "mlx": "mlx.core", "flax": "flax.nnx"}.get(package, package) for package in OLD
}


def test_the_oldest_releases_are_those_of_the_extras(numpy_library: Library) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    # No library of arrays.
    del extras["safetensors"]
    needed = {extra: re.split(">=", requirement)[1] for extra, (requirement, *_) in extras.items()}
    of_containers = {module.partition(".")[0] for module in registry.CONTAINERS} - {
        module.partition(".")[0] for module in registry.ARRAYS
    }
    assert needed == {package: release for package, release in registry.NEEDED.items() if package not in of_containers}
    assert OLD.keys() == MODULE.keys() == registry.NEEDED.keys()


@pytest.fixture
def no_types_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_by_type", {})
    monkeypatch.setattr(registry, "_supported", set())


def release(package: str, version: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that this release is loaded; no adapter may be imported for it."""
    monkeypatch.setitem(sys.modules, package, SimpleNamespace(__version__=version))
    monkeypatch.setitem(sys.modules, MODULE[package], sys.modules[package])
    if MODULE[package] != package:
        monkeypatch.setitem(sys.modules, MODULE[package], SimpleNamespace())
    table = registry.ARRAYS if MODULE[package] in registry.ARRAYS else registry.CONTAINERS
    monkeypatch.setitem(table, MODULE[package], lambda: SimpleNamespace(accepts=lambda cls: cls.__name__ == "Filled"))


def array_of(module: str, name: str = "Array") -> Any:
    return type(name, (), {"__module__": module})()


@pytest.mark.parametrize("package", OLD)
def test_an_array_of_an_older_release_is_refused_with_what_is_needed(
    package: str, no_types_known: None, monkeypatch: pytest.MonkeyPatch, numpy_library: Library
) -> None:
    release(package, OLD[package], monkeypatch)
    wanted = f"arrayinit[{package}]" if MODULE[package] in registry.ARRAYS else f"{package}>={registry.NEEDED[package]}"
    text = (
        f"arrayinit needs {package} >= {registry.NEEDED[package]} for an array of type {package}.core.Array, but "
        f"{package} {OLD[package]} is installed: upgrade it, as by pip install --upgrade '{wanted}'"
    )
    x = array_of(f"{package}.core")
    with pytest.raises(ImportError, match=f"^{re.escape(text)}$"):
        ai.zeros_(x)
    with pytest.raises(ImportError, match=f"^{re.escape(text)}$"):
        ai.copy_(np.empty(3), x)

    class Own(type(x)):
        """A class of the user's, made of the library's."""

    with pytest.raises(ImportError, match=f"{package} >= {registry.NEEDED[package]}"):
        ai.zeros_(Own())


@pytest.mark.parametrize("package", OLD)
@pytest.mark.parametrize("patch", ["", ".0", ".0.dev20260101", ".1rc1", ".0a0+git1234"])
def test_the_release_that_is_needed_and_later_ones_are_taken(
    package: str, patch: str, no_types_known: None, monkeypatch: pytest.MonkeyPatch, numpy_library: Library
) -> None:
    major, _, minor = registry.NEEDED[package].partition(".")
    for version in (f"{major}.{minor or 0}", f"{major}.{int(minor or 0) + 11}", f"{int(major) + 1}.0"):
        monkeypatch.setattr(registry, "_by_type", {})
        monkeypatch.setattr(registry, "_supported", set())
        release(package, version + patch, monkeypatch)
        assert registry.backend_of(array_of(package, "Filled")).accepts


def test_arrays_of_jaxlib_are_those_of_jax(
    no_types_known: None, monkeypatch: pytest.MonkeyPatch, numpy_library: Library
) -> None:
    release("jax", "0.4.38", monkeypatch)
    with pytest.raises(ImportError, match=r"arrayinit needs jax >= 0\.10 .*jaxlib\.xla_extension\.ArrayImpl.*0\.4\.38"):
        ai.normal_(array_of("jaxlib.xla_extension", "ArrayImpl"), rng=0)


@pytest.mark.parametrize("package", OLD)
def test_an_older_release_does_not_stand_in_the_way_of_other_arrays(
    package: str, no_types_known: None, monkeypatch: pytest.MonkeyPatch, library: Library
) -> None:
    x = library.empty((3,), "float32")
    if library.name.partition(":")[0] == package:
        no_such_case("it is this library's own")
    release(package, OLD[package], monkeypatch)
    assert (library.to_numpy(ai.ones_(x)) == 1).all()
    with pytest.raises(TypeError, match="x must be an array of"):
        ai.zeros_([1.0])


def test_a_library_that_has_no_version_is_taken_as_it_is(
    no_types_known: None, monkeypatch: pytest.MonkeyPatch, numpy_library: Library
) -> None:
    release("cupy", None, monkeypatch)
    assert registry.backend_of(array_of("cupy", "Filled")).accepts
