"""copy_ into CuPy's arrays and from them, with NumPy in CuPy's place."""

from __future__ import annotations

import numpy as np
import pytest
from cupy_on_numpy import DEVICE, Array, plain
from cupy_stand_in import BUILT_IN, full, stand_in  # noqa: F401
from hard_numbers import SIZE, expected, hard

import arrayinit
from arrayinit.backends import registry

pytestmark = pytest.mark.usefixtures("numpy_library")


@pytest.fixture(autouse=True)
def _numpy_besides(stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setitem(registry.ARRAYS, "numpy", BUILT_IN["numpy"])


@pytest.mark.parametrize("given", ["float64", "float32", "int64", "bool"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("origin", ["numpy", "cupy"])
def test_cupy_s_arrays_are_filled_on_their_device(origin: str, given: str, dtype: str) -> None:
    values, x = hard(given, dtype), full((SIZE,), dtype)
    with np.errstate(all="ignore"):
        assert arrayinit.copy_(x, values.view(Array) if origin == "cupy" else values) is x
    assert DEVICE.outside == []
    np.testing.assert_array_equal(plain(x), expected(given, dtype))


def test_cupy_s_arrays_are_read_by_dlpack_and_by_the_host_where_numpy_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    source = np.arange(6.0).view(Array)[::-1]
    for refused in (False, True):
        if refused:
            monkeypatch.setattr(Array, "__dlpack__", None, raising=False)
        np.testing.assert_array_equal(arrayinit.copy_(np.empty(6), source), np.arange(6.0)[::-1])


def test_a_source_that_overlaps_cupy_s_array_is_read_first() -> None:
    x = full((6,))
    plain(x)[:] = np.arange(6)
    assert plain(arrayinit.copy_(x, x[::-1])).tolist() == [5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize("strides", [(0, 8), (8, 8), (16, 8)])
def test_memory_that_elements_share_is_refused(strides: tuple[int, int]) -> None:
    x = np.lib.stride_tricks.as_strided(full((24,), "float64"), (4, 6), strides, subok=True)
    for fill in (arrayinit.zeros_, arrayinit.normal_, lambda x: arrayinit.copy_(x, np.zeros((4, 6)))):
        with pytest.raises(ValueError, match=r"share a single memory location: pass x\.copy"):
            fill(x)
