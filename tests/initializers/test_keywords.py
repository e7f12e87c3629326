"""The keywords of other libraries are refused by their right names, and rng stands where torch's generator does."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, FUNCTIONS, MATRIX, Case, complete

import arrayinit as ai

FANS = Case("calculate_fan_in_and_fan_out", MATRIX, is_drawn=False)
NAMES = (*FUNCTIONS, FANS.name)


def case_of(name: str) -> Case:
    return FUNCTIONS.get(name, FANS)


def before_rng(name: str) -> tuple[Any, ...]:
    """Return what stands in the places between x and rng."""
    given = complete(FUNCTIONS[name])
    return tuple(given.values())[: list(given).index("rng")]


def test_every_function_is_here():
    takes_an_array = {
        name for name in ai.__all__ if callable(f := getattr(ai, name)) and "x" in inspect.signature(f).parameters
    }
    assert set(NAMES) == takes_an_array


def full(library: Any, name: str) -> Any:
    return library.full(case_of(name).shape, "float32", 7.0)


@pytest.mark.parametrize("name", DRAWN)
def test_rng_stands_where_torch_has_its_generator(name, library):
    function, before = getattr(ai, name), before_rng(name)
    first, second = full(library, name), full(library, name)
    by_place = library.to_numpy(function(first, *before, 5))
    by_name = library.to_numpy(function(second, *before, rng=5))
    np.testing.assert_array_equal(by_place, by_name)
    with pytest.raises(TypeError, match="positional argument"):
        function(first, *before, 5, "OI...")


@pytest.mark.parametrize("keyword", ["generator", "seed", "key"])
@pytest.mark.parametrize("name", DRAWN)
def test_the_error_for_a_generator_names_rng(name, keyword, library):
    x = full(library, name)
    with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected keyword argument '{keyword}'; .* rng here"):
        getattr(ai, name)(x, *before_rng(name), **{keyword: 5})
    assert (library.to_numpy(x) == 7).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_error_for_a_tensor_names_x(name, library):
    arguments = case_of(name).arguments
    x = full(library, name)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        getattr(ai, name)(tensor=x, **arguments)
    with pytest.raises(TypeError, match="unexpected keyword argument 'tensor'; it is called x here"):
        getattr(ai, name)(x, tensor=x, **arguments)
    assert (library.to_numpy(x) == 7).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_error_for_another_keyword_names_all_that_there_are(name):
    function = getattr(ai, name)
    arguments = case_of(name).arguments
    accepted = ", ".join(inspect.signature(function).parameters)
    with pytest.raises(TypeError, match=rf"unexpected keyword argument 'sdt'; it takes {accepted}$"):
        function(np.zeros(case_of(name).shape), sdt=1, **arguments)
    if "rng" not in inspect.signature(function).parameters:
        with pytest.raises(TypeError, match=rf"'generator'; it takes {accepted}$"):
            function(np.zeros(case_of(name).shape), generator=1, **arguments)
