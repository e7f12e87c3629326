"""Subclasses of NumPy's array: their memory is filled, whatever their own rules; masked ones are refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, FUNCTIONS, KERNEL, KERNELS, MATRIX
from libraries import Library, no_such_case
from peers import peer

import arrayinit as ai

SEEDED = [(name, rng) for name in FUNCTIONS for rng in ((0, "generator", None) if name in DRAWN else (None,))]
dask_only = pytest.mark.parametrize("library", ["dask"], indirect=True)


def shape_of(name: str) -> tuple[int, ...]:
    return KERNEL if name in KERNELS else MATRIX


def call(name: str, x: Any, rng: Any) -> Any:
    return FUNCTIONS[name].fill(x, np.random.default_rng(0) if rng == "generator" else rng)


class Units(np.ndarray):
    """As arrays with units: neither writes nor operations of plain numbers."""

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a number without a unit")

    def __array_function__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a number without a unit")

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError("a number without a unit")


class Ufunc(np.ndarray):
    """With a rule for one of the two alone."""

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a number without a unit")


class Function(np.ndarray):
    def __array_function__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a number without a unit")


@pytest.mark.parametrize(("name", "rng"), SEEDED)
@pytest.mark.parametrize("hard", [False, True])
def test_a_masked_array_is_refused_and_the_error_says_what_to_pass(
    name: str, rng: Any, hard: bool, numpy_library: Library
) -> None:
    x = np.ma.masked_array(np.full(shape_of(name), 7.0), hard_mask=hard)
    x[0, 0] = np.ma.masked
    with pytest.raises(TypeError, match=r"x is a masked array \(numpy.ma.*pass x\.data, .*or x\.filled\(value\)$"):
        call(name, x, rng)
    assert (x.data == 7.0).all()
    call(name, x.data, rng)
    assert x.data.flat[0] != 7.0
    call(name, x.filled(0.0), rng)


def test_subclasses_of_masked_arrays_and_their_fans_are_refused_alike(numpy_library: Library) -> None:
    class Own(np.ma.MaskedArray):
        pass

    with pytest.raises(TypeError, match=r"x is a masked array .*Own"):
        ai.zeros_(np.zeros(3).view(Own))
    with pytest.raises(TypeError, match="x is a masked array"):
        ai.calculate_fan_in_and_fan_out(np.ma.zeros((3, 4)))


def test_a_masked_source_is_refused_by_every_library(library: Library) -> None:
    source = np.ma.masked_array([1.0, 2.0, 3.0], mask=[True, False, False])
    x = library.full((3,), "float32", 7.0)
    with pytest.raises(TypeError, match=r"source is a masked array .*pass source\.data, .*or source\.filled\(value\)$"):
        ai.copy_(x, source)
    assert (library.to_numpy(x) == 7.0).all()
    np.testing.assert_array_equal(library.to_numpy(ai.copy_(x, source.data)), [1, 2, 3])
    np.testing.assert_array_equal(library.to_numpy(ai.copy_(x, source.filled(0.0))), [0, 2, 3])


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ([np.ma.masked_array([1.0, 2.0], mask=[1, 0]), [3.0, 4.0]], r"source\[0\]"),
        (([1.0, 2.0], [3.0, np.ma.masked]), r"source\[1\]\[1\]"),
    ],
)
def test_a_mask_within_a_sequence_is_found(source: Any, part: str, numpy_library: Library) -> None:
    with pytest.raises(TypeError, match=rf"^{part} is a masked array .*pass {part}\.data"):
        ai.copy_(np.zeros((2, 2)), source)


@pytest.mark.parametrize("cls", [Units, Ufunc, Function, np.matrix, np.recarray, np.memmap])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("name", "rng"), SEEDED)
def test_the_memory_of_a_subclass_is_filled_as_that_of_an_array(
    name: str, rng: Any, cls: type, dtype: str, numpy_library: Library
) -> None:
    memory = np.full(shape_of(name)[:2], 7.0, dtype) if cls is np.matrix else np.full(shape_of(name), 7.0, dtype)
    if memory.ndim != len(shape_of(name)):
        no_such_case("a matrix has two axes")
    x = memory.view(cls)
    assert call(name, x, rng) is x
    assert (memory != 7.0).any()
    if rng is not None or name not in DRAWN:
        np.testing.assert_array_equal(memory, call(name, np.full(memory.shape, 7.0, dtype), rng))


@pytest.mark.parametrize("cls", [Units, Ufunc, Function])
def test_a_source_with_rules_of_its_own_is_refused_by_every_library(cls: type, library: Library) -> None:
    source, x = np.arange(3.0).view(cls), library.full((3,), "float32", 7.0)
    with pytest.raises(TypeError, match=rf"source of type .*{cls.__name__} has rules of its own.*source\.view\(np\.nd"):
        ai.copy_(x, source)
    assert (library.to_numpy(x) == 7.0).all()
    np.testing.assert_array_equal(library.to_numpy(ai.copy_(x, source.view(np.ndarray))), [0, 1, 2])


@pytest.mark.parametrize("cls", [np.matrix, np.recarray, np.memmap])
def test_a_source_without_such_rules_is_copied(cls: type, library: Library) -> None:
    source = np.arange(6.0).reshape(2, 3).view(cls)
    y = ai.copy_(library.empty((2, 3), "float32"), source)
    np.testing.assert_array_equal(library.to_numpy(y), [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize("mode", ["r+", "c", "r"])
def test_a_mapped_file_is_filled_where_it_may_be_written(mode: Any, tmp_path: Path, numpy_library: Library) -> None:
    path = tmp_path / "weights"
    np.full(MATRIX, 7.0, "float32").tofile(path)
    x = np.memmap(path, "float32", mode, shape=MATRIX)
    if mode == "r":
        # The file is open to be read: to set the flag fails, and so is not advised.
        with pytest.raises(ValueError, match=r"read-only array, which is never copied silently: pass x\.copy\(\)$"):
            ai.uniform_(x, rng=0)
    else:
        assert ai.uniform_(x, rng=0) is x
        np.testing.assert_array_equal(x, ai.uniform_(np.empty(MATRIX, "float32"), rng=0))
        x.flush()
    assert (np.fromfile(path, "float32") == 7.0).all() == (mode != "r+")


@dask_only
@pytest.mark.parametrize(("name", "rng"), SEEDED)
def test_dask_arrays_of_masked_chunks_are_refused(name: str, rng: Any, library: Library) -> None:
    da = peer("dask.array")
    x = da.ma.masked_greater(da.full(shape_of(name), 7.0, chunks=2), 9.0)
    with pytest.raises(TypeError, match=r"x is a Dask array with chunks of numpy\.ma.*pass x\.map_blocks\(np\.asarray"):
        call(name, x, rng)
    assert call(name, x.map_blocks(np.asarray), rng).compute().shape == x.shape


@dask_only
@pytest.mark.parametrize("is_known", [True, False])
def test_dask_sources_of_masked_chunks_are_refused(is_known: bool, library: Library) -> None:
    da = peer("dask.array")
    meta = {} if is_known else {"meta": np.empty((0,))}
    source = da.arange(4.0, chunks=2).map_blocks(lambda block: np.ma.masked_greater(block, 2.0), **meta)
    refused = pytest.raises(TypeError, match=r"source .*chunks of numpy\.ma.*pass source\.map_blocks\(np\.asarray\)")
    with refused:
        ai.copy_(np.empty(4), source)
    with refused:
        # What Dask does not know, the chunk finds.
        ai.copy_(da.empty(4, chunks=2), source).compute()
    given = source.map_blocks(np.asarray)
    for x in (np.empty(4), da.empty(4, chunks=2)):
        np.testing.assert_array_equal(np.asarray(ai.copy_(x, given)), [0, 1, 2, 3])


def test_masks_are_not_looked_for_where_none_can_be(numpy_library: Library) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(ai.copy_(np.empty((2, 2)), [[1, 2.5], (True, np.float32(4))]), [[1, 2.5], [1, 4]])
