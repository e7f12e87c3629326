"""copy_ from libraries that arrayinit has no adapter for: what DLPack lacks, and what NumPy would misread."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from libraries import Library, no_such_case
from peers import peer

import arrayinit

BFLOAT16 = np.array([1.5, -0.0, 2.0**-130, np.inf, -3.0e38, 257.0 - 1.0], "float32")


class DType:
    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"foreign.{self.name}"


class Foreign:
    """An array that DLPack refuses if it is watched or of a dtype that NumPy lacks, whose bits `__array__` gives."""

    def __init__(self, values: np.ndarray, dtype: str, *, watched: bool = False) -> None:
        self.values, self.dtype, self.watched = values, DType(dtype), watched

    def detach(self) -> Foreign:
        return type(self)(self.values, self.dtype.name)

    def astype(self, dtype: Any) -> Foreign:
        assert isinstance(dtype, DType)
        return type(self)(self.values.astype(dtype.name), dtype.name, watched=self.watched)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __dlpack__(self, **options: Any) -> Any:
        if self.watched:
            raise BufferError("it requires gradients")
        if self.dtype.name != self.values.dtype.name:
            raise RuntimeError("Unsupported dtype in DLTensor.")
        return self.values.__dlpack__(**options)


class WithArray(Foreign):
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values if self.dtype.name == self.values.dtype.name else self.values.view(np.uint32)


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library that these arrays are of."""
    monkeypatch.setitem(sys.modules, "foreign", SimpleNamespace(float32=DType("float32")))


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("cls", [Foreign, WithArray])
def test_bfloat16_of_a_library_that_converts_it(watched: bool, cls: type, foreign: None, library: Library) -> None:
    source = cls(BFLOAT16, "bfloat16", watched=watched)
    y = arrayinit.copy_(library.empty(BFLOAT16.shape, "float32"), source)
    np.testing.assert_array_equal(library.to_numpy(y).view("uint32"), BFLOAT16.view("uint32"))


def test_what_is_watched_for_gradients_is_read(foreign: None, library: Library) -> None:
    y = arrayinit.copy_(library.empty((6,), "float32"), Foreign(BFLOAT16, "float32", watched=True))
    np.testing.assert_array_equal(library.to_numpy(y), BFLOAT16)


@pytest.mark.parametrize("dtype", ["float8_e8m0fnu", "bfloat16"])
def test_bits_are_never_taken_for_numbers(dtype: str, library: Library) -> None:
    # Without the library there is nobody to convert.
    x, wide = library.full((6,), "float32", 7.0), "; convert it to float32 first" if "8" in dtype else ""
    with pytest.raises(TypeError, match=rf"source of type WithArray.*NumPy reads its dtype {dtype} as uint32{wide}$"):
        arrayinit.copy_(x, WithArray(BFLOAT16, dtype))
    with pytest.raises(TypeError, match=rf"source of type Foreign.*cannot be read: Unsupported dtype.*{wide}$"):
        arrayinit.copy_(x, Foreign(BFLOAT16, dtype))
    assert (library.to_numpy(x) == 7.0).all()


def test_a_source_that_dlpack_refuses_for_good_is_a_type_error(library: Library) -> None:
    class Closed(Foreign):
        def detach(self) -> Foreign:
            return self

    source = Closed(BFLOAT16, "float32", watched=True)
    with pytest.raises(TypeError, match=r"source of type .*Closed cannot be read: it requires gradients"):
        arrayinit.copy_(library.empty((6,), "float32"), source)


class Standard:
    """An array that follows the standard, of a library other than that of x."""

    device = "cpu"

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return np

    def __setitem__(self, index: Any, value: Any) -> None:
        self.values[index] = value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values


def test_one_generic_library_gives_to_another(library: Library) -> None:
    y = arrayinit.copy_(library.empty((6,), "float32"), Standard(BFLOAT16))
    np.testing.assert_array_equal(library.to_numpy(y), BFLOAT16)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "int32", "bool_", "complex64"])
def test_mlx(dtype: str, library: Library) -> None:
    mx = peer("mlx.core")
    values = np.array([[0, 1, 2], [3, 4, 5.5]], "float32")
    source = mx.array(values).astype(getattr(mx, dtype)).T
    wide = "complex64" if dtype == "complex64" else "float32"
    if not library.has(wide):
        no_such_case(f"{library.name} has no {wide}")
    y = arrayinit.copy_(library.empty((3, 2), wide), source)
    expected = np.array(source.astype(mx.complex64 if dtype == "complex64" else mx.float32))
    np.testing.assert_array_equal(library.to_numpy(y), expected)
    y = arrayinit.copy_(library.empty((1, 3, 2), wide), [source])
    np.testing.assert_array_equal(library.to_numpy(y)[0], expected)
