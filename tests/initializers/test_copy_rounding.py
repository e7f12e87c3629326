"""copy_ rounds each number once, from every dtype to every other, on every library."""

from __future__ import annotations

import numpy as np
import pytest
from copy_sources import array, blank, has, same
from hard_numbers import SIZE, expected, fitting, hard, nearest
from libraries import Library, no_such_case

import arrayinit
from arrayinit.core.dtypes import NAMES


@pytest.mark.parametrize("origin", ["numpy", "its own library", pytest.param("torch", marks=pytest.mark.pairs)])
@pytest.mark.parametrize("dtype", NAMES)
def test_every_number_is_rounded_once(dtype: str, origin: str, library: Library) -> None:
    x, own = blank(library, (SIZE,), dtype), library.name.partition(":")[0]
    if origin == own:
        no_such_case("it is its own library")
    origin = own if origin == "its own library" else origin
    for given in (name for name in NAMES if fitting(name, dtype) and has(origin, name)):
        y = arrayinit.copy_(x, array(origin, hard(given, dtype), given))
        assert (y is x) == library.in_place
        assert y.dtype == x.dtype
        assert library.device(y) == library.device(x)
        same(y, expected(given, dtype), library, dtype)


def test_the_reference_rounds_as_numpy_where_numpy_rounds_once() -> None:
    for given, dtype in (("float64", "float32"), ("float64", "float16"), ("float32", "float16"), ("int64", "float32")):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(expected(given, dtype), hard(given, dtype).astype(dtype))


@pytest.mark.parametrize("given", ["float64", "int64", "uint64", "int32"])
def test_the_numbers_are_hard_enough_to_show_a_second_rounding(given: str) -> None:
    with np.errstate(all="ignore"):
        twice = hard(given, "bfloat16").astype("float32")
    assert any(nearest(v.item(), "bfloat16") != e for v, e in zip(twice, expected(given, "bfloat16"), strict=True) if e)


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_a_large_array_is_copied_with_its_axes_permuted(order: tuple[int, ...], library: Library) -> None:
    given = np.arange(300 * 260 * 3, dtype="float32").reshape(300, 260, 3).transpose(order)
    same(arrayinit.copy_(blank(library, given.shape, "float32"), given), given, library, "float32")


def test_a_large_array_takes_the_values_of_its_transpose(numpy_library: Library) -> None:
    x = np.arange(300.0 * 300.0).reshape(300, 300)
    expected = x.T.copy()
    np.testing.assert_array_equal(arrayinit.copy_(x, x.T), expected)
