"""copy_ into NumPy's arrays: read-only and overlapping ones, memory, and bfloat16 of ml_dtypes."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hard_numbers import SIZE, expected, hard
from libraries import Library
from peers import peer

import arrayinit

pytestmark = pytest.mark.pairs

numpy_only = pytest.mark.parametrize("library", ["numpy"], indirect=True)


@numpy_only
def test_a_read_only_array_is_refused_and_left_as_it_was(library: Library) -> None:
    x = np.ones((3, 4))
    x.flags.writeable = False
    with pytest.raises(ValueError, match=r"read-only.*x\.copy\(\)"):
        arrayinit.copy_(x, np.zeros((3, 4)))
    assert (x == 1).all()


@numpy_only
@pytest.mark.parametrize("view", [lambda x: x[::-1], lambda x: x.T, lambda x: x[::-1, ::-1].T], ids=[0, 1, 2])
@pytest.mark.parametrize("by", ["numpy", "torch"])
def test_a_source_that_overlaps_the_array_is_read_first(view: Any, by: str, library: Library) -> None:
    x = np.arange(10_000.0).reshape(100, 100)
    before = view(x).copy()
    source = view(x)
    if by == "torch":
        source = peer("torch").from_numpy(x).T
        before = x.T.copy()
    np.testing.assert_array_equal(arrayinit.copy_(x, source), before)


@numpy_only
def test_no_copy_is_made_on_the_way_from_a_tensor(library: Library) -> None:
    source, x = peer("torch").ones(1 << 20), np.empty(1 << 20, "float32")
    tracemalloc.start()
    try:
        arrayinit.copy_(x, source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (x == 1).all()
    assert peak < x.nbytes / 16


@numpy_only
@pytest.mark.parametrize("given", ["float64", "float32", "bfloat16", "int64", "uint64", "uint8", "bool"])
def test_bfloat16_of_ml_dtypes_is_rounded_to_once(given: str, library: Library) -> None:
    bfloat16 = peer("ml_dtypes").bfloat16
    x, values = np.ones(SIZE, bfloat16), hard(given, "bfloat16")
    source = values.astype(bfloat16) if given == "bfloat16" else values
    assert arrayinit.copy_(x, source) is x
    np.testing.assert_array_equal(x.astype("float32"), expected(given, "bfloat16"))
    y = arrayinit.copy_(np.ones(SIZE), x)
    np.testing.assert_array_equal(y, x.astype("float64"))
