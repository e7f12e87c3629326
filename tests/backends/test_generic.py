"""Arrays that follow the array API standard, and backends of others."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cases import CASES, FUNCTIONS, Case

import arrayinit
from arrayinit.backends import registry
from arrayinit.backends._array_api import ReplacedArrayAPI, WritableArrayAPI
from arrayinit.backends.protocol import InPlace
from arrayinit.kernels.fill import Fill
from arrayinit.testing.cases import INTEGER

strict_only = pytest.mark.parametrize("library", ["strict"], indirect=True)

# What each device of array-api-strict has.
DEVICES = {
    "device1": ("float32", "float64", "complex64", "complex128", *INTEGER),
    "no_float64": ("float32", "complex64", *INTEGER),
    "no_x64": ("float32", "complex64", *(dtype for dtype in INTEGER if "64" not in dtype)),
}
every_function = pytest.mark.parametrize("case", CASES, ids=str)


def strict_array(shape: tuple[int, ...], dtype: str, device: str) -> Any:
    import array_api_strict as xp

    return xp.ones(shape, dtype=getattr(xp, dtype), device=xp.Device(device))


def on_host(x: Any) -> np.ndarray:
    import array_api_strict as xp

    return np.from_dlpack(x.to_device(xp.Device("CPU_DEVICE")))


def fills_like_numpy(case: Case, dtype: str, device: str) -> None:
    x = strict_array(case.shape, dtype, device)
    given = (x.dtype, x.device, x.shape)
    assert case.fill(x, np.random.default_rng(3)) is x
    assert (x.dtype, x.device, x.shape) == given
    np.testing.assert_array_equal(on_host(x), case.fill(np.ones(case.shape, dtype), np.random.default_rng(3)))


@strict_only
@pytest.mark.parametrize("device", DEVICES)
@every_function
def test_every_function_fills_in_place_with_the_values_of_numpy(library: Any, case: Case, device: str) -> None:
    for dtype in DEVICES[device]:
        if dtype in case.dtypes:
            fills_like_numpy(case, dtype, device)


@strict_only
@pytest.mark.parametrize("shape", [(), (5,), (0, 3), (2, 3, 4, 5)])
def test_any_shape_will_do(library: Any, shape: tuple[int, ...]) -> None:
    for name in ("normal_", "zeros_"):
        fills_like_numpy(FUNCTIONS[name].at(shape), "float32", "device1")


@strict_only
@pytest.mark.parametrize("device", DEVICES)
def test_without_a_generator_every_call_differs(library: Any, device: str) -> None:
    first, second = (on_host(arrayinit.uniform_(strict_array((4, 4), "float32", device))) for _ in range(2))
    assert (first != second).any()


@strict_only
@pytest.mark.parametrize("rng", [np.random.RandomState(0), True, 1.5, "0"])
def test_another_kind_of_generator_is_refused_with_what_to_pass(library: Any, rng: Any) -> None:
    x = strict_array((4, 4), "float32", "device1")
    with pytest.raises(TypeError, match=r"rng .*numpy\.random\.Generator.*got"):
        arrayinit.uniform_(x, rng=rng)
    assert (on_host(x) == 1).all()


class Crate:
    """The array of a small library: no array API namespace, and its values lie in a NumPy array."""

    def __init__(self, *shape: int) -> None:
        self.values = np.full(shape, np.nan, "float32")
        self.shape, self.dtype = shape, self.values.dtype

    def __setitem__(self, index: Any, value: Any) -> None:
        self.values[index] = value


class StandardCrate(Crate):
    """The same in a library that follows the standard."""

    device = "cpu"

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return np


class Crates(InPlace):
    """The backend that the library brings along."""

    def __init__(self, cls: type = Crate) -> None:
        self.cls, self.asked = cls, []

    def accepts(self, cls: type) -> bool:
        self.asked.append(cls)
        return issubclass(cls, self.cls)

    def dtype(self, x: Any) -> str:
        return x.dtype.name

    def read(self, x: Any) -> Iterator[np.ndarray]:
        yield x.values

    def write(self, x: Any, fill: Fill) -> Any:
        for index, chunk in fill.chunks(x.shape, x.dtype.name):
            x[index] = chunk
        return x


@pytest.fixture
def entry_points(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A registry as after the import, and the entry points of the packages installed, by group."""
    groups: dict[str, list[Any]] = {}
    monkeypatch.setattr(registry, "_registered", [])
    monkeypatch.setattr(registry, "_by_type", {})
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: groups.get(group, []))
    return groups


@every_function
def test_a_registered_backend_serves_every_function(case: Case, entry_points: Any) -> None:
    arrayinit.register_backend(Crates())
    x = Crate(*case.shape)
    assert case.fill(x, np.random.default_rng(0)) is x
    np.testing.assert_array_equal(x.values, case.fill(np.empty(case.shape, "float32"), np.random.default_rng(0)))


def test_arrays_without_a_namespace_are_copied(entry_points: Any) -> None:
    arrayinit.register_backend(Crates())
    source = arrayinit.normal_(Crate(3, 4), rng=0)
    for x in (Crate(3, 4), np.empty((3, 4), "float32")):
        np.testing.assert_array_equal(getattr(arrayinit.copy_(x, source), "values", x), source.values)


def test_a_registered_backend_is_asked_after_the_built_in_ones(entry_points: Any) -> None:
    greedy = Crates(object)
    arrayinit.register_backend(greedy)
    x = np.empty((3, 4))
    assert arrayinit.uniform_(x) is x
    assert greedy.asked == []


def test_a_registered_backend_is_asked_before_the_generic_one(entry_points: Any) -> None:
    assert type(registry.backend_of(StandardCrate(2, 2))) is WritableArrayAPI
    arrayinit.register_backend(Crates())
    assert type(registry.backend_of(StandardCrate(2, 2))) is Crates


def test_the_first_backend_registered_that_accepts_is_taken_and_remembered(entry_points: Any) -> None:
    first, second = Crates(), Crates()
    arrayinit.register_backend(first)
    arrayinit.register_backend(second)
    assert registry.backend_of(Crate(2)) is registry.backend_of(Crate(3)) is first
    assert first.asked == [Crate]


def test_entry_points_are_asked_only_when_nothing_before_accepts(entry_points: Any) -> None:
    loaded = []
    from_package = Crates(StandardCrate)
    point = SimpleNamespace(name="numpy", load=lambda: loaded.append("loaded") or (lambda: from_package))
    entry_points["arrayinit.backends"] = [point]
    entry_points["another group"] = [
        SimpleNamespace(name="numpy", load=lambda: pytest.fail("it belongs to another group"))
    ]
    arrayinit.zeros_(np.empty(3))
    assert loaded == []
    assert registry.backend_of(StandardCrate(2)) is from_package
    assert loaded == ["loaded"]


def test_entry_points_are_not_loaded_where_a_registered_backend_accepts(entry_points: Any) -> None:
    fails = SimpleNamespace(name="numpy", load=lambda: pytest.fail("a registered backend accepts"))
    entry_points["arrayinit.backends"] = [fails]
    registered = Crates()
    arrayinit.register_backend(registered)
    assert registry.backend_of(Crate(2)) is registered


def test_entry_points_of_libraries_that_are_not_loaded_are_not_asked(entry_points: Any) -> None:
    fails = SimpleNamespace(name="not_loaded", load=lambda: pytest.fail("its library has made no array"))
    entry_points["arrayinit.backends"] = [fails]
    assert type(registry.backend_of(StandardCrate(2))) is WritableArrayAPI


@pytest.mark.parametrize("name", ["accepts", "dtype", "read", "write"])
def test_an_incomplete_backend_is_refused_with_what_it_lacks(name: str) -> None:
    methods = {method: vars(Crates)[method] for method in ("accepts", "dtype", "read", "write") if method != name}
    with pytest.raises(TypeError, match=name):
        type("Incomplete", (InPlace,), methods)()


def test_what_is_no_backend_is_refused_with_what_to_derive_from(entry_points: Any) -> None:
    with pytest.raises(TypeError, match=r"InPlace, Replaced or Rebound, got names"):
        arrayinit.register_backend(SimpleNamespace(accepts=None))
    assert registry._registered == []


class Sealed:
    """An array of the standard that cannot be written, and has no device."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        namespace = ModuleType("sealed")
        names = {name: getattr(np, name) for name in ("float32", "int8", "bool", "complex64")}
        vars(namespace).update(names, asarray=Sealed, astype=lambda x, dtype: Sealed(x.values.astype(dtype)))
        return namespace

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values


@every_function
def test_arrays_that_cannot_be_written_and_have_no_device_are_replaced(case: Case, entry_points: Any) -> None:
    x = Sealed(np.ones(case.shape, "float32"))
    assert type(registry.backend_of(x)) is ReplacedArrayAPI
    filled = case.fill(x, np.random.default_rng(0))
    assert filled is not x
    assert (x.values == 1).all()
    np.testing.assert_array_equal(filled.values, case.fill(np.empty(case.shape, "float32"), np.random.default_rng(0)))
    copied = arrayinit.copy_(Sealed(np.ones(case.shape, "float32")), filled)
    np.testing.assert_array_equal(copied.values, filled.values)


@pytest.mark.parametrize("x", [[1.0, 2.0], 1.5, "weights", None, (3, 4), Crate(2)], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_no_array_is_refused_with_what_is_accepted(name: str, x: Any, entry_points: Any) -> None:
    with pytest.raises(TypeError, match=rf"x must be an array of NumPy, torch, JAX.*CuPy.*{type(x).__qualname__}(:|$)"):
        FUNCTIONS[name].fill(x, None)
