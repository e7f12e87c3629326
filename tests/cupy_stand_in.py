"""Put NumPy in CuPy's place, for every test of the module that imports the fixture."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import array_api_compat.numpy
import cupy_on_numpy
import numpy as np
import pytest
import scipy.special
from cupy_on_numpy import DEVICE, Array

import arrayinit
from arrayinit.backends import first_use, registry

BUILT_IN = registry.ARRAYS
SOURCES = {"kernels/_cupy": "arrayinit.kernels._cupy", "backends/_cupy": "arrayinit.backends.cupy_on_numpy"}


@pytest.fixture(autouse=True)
def stand_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put NumPy in CuPy's place, whose GPU is AMD's if the parameter says so."""
    put_in_place(monkeypatch, is_hip=getattr(request, "param", False))


def put_in_place(monkeypatch: pytest.MonkeyPatch, *, is_hip: bool = False) -> ModuleType:
    """Put NumPy in CuPy's place, and return what stands for the package."""
    package = cupy_on_numpy.cupy(is_hip=is_hip)
    special = ModuleType("cupyx.scipy.special")
    special.erfinv = scipy.special.erfinv
    monkeypatch.setitem(sys.modules, "cupy", package)
    monkeypatch.setitem(sys.modules, "cupyx.scipy.special", special)
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", array_api_compat.numpy)
    monkeypatch.setattr(array_api_compat, "cupy", array_api_compat.numpy, raising=False)
    for source, name in SOURCES.items():
        spec = importlib.util.spec_from_file_location(name, Path(arrayinit.__file__).parent / f"{source}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
    monkeypatch.setattr(registry, "ARRAYS", {"cupy": lambda: module.BACKEND})
    monkeypatch.setattr(registry, "_by_type", {})
    monkeypatch.setattr(registry, "_supported", set())
    monkeypatch.setattr(DEVICE, "outside", [])
    monkeypatch.setattr(first_use, "_answers", {})
    return package


def full(shape: tuple[int, ...], dtype: str = "float32") -> Array:
    return np.full(shape, 7, dtype).view(Array)
