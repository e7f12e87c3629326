"""The keywords of other libraries are refused by their right names, and rng stands where torch's generator does."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import arrayinit as ai

SHAPES = {"dirac_": (4, 2, 3), "delta_orthogonal_": (4, 2, 3)}
# What each function needs in the places between x and rng.
BEFORE_RNG: dict[str, tuple[Any, ...]] = {
    "uniform_": (-1.0, 2.0),
    "normal_": (0.5, 2.0),
    "trunc_normal_": (0.5, 2.0, -1.0, 3.0),
    "xavier_uniform_": (2.0,),
    "xavier_normal_": (2.0,),
    "kaiming_uniform_": (0.1, "fan_out", "leaky_relu"),
    "kaiming_normal_": (0.1, "fan_out", "leaky_relu"),
    "orthogonal_": (2.0,),
    "sparse_": (0.5, 2.0),
    "variance_scaling_": (2.0, "fan_out", "normal"),
    "lecun_uniform_": (),
    "lecun_normal_": (),
    "delta_orthogonal_": (2.0,),
}
OTHERS: dict[str, dict[str, Any]] = {
    "constant_": {"val": 1},
    "copy_": {"source": np.ones((4, 6))},
    **{name: {} for name in ("ones_", "zeros_", "eye_", "dirac_", "calculate_fan_in_and_fan_out")},
}


def test_every_function_is_here():
    takes_an_array = {name for name in ai.__all__ if "x" in inspect.signature(getattr(ai, name)).parameters}
    assert {*BEFORE_RNG, *OTHERS} == takes_an_array


def full(library: Any, name: str) -> Any:
    return library.full(SHAPES.get(name, (4, 6)), "float32", 7.0)


@pytest.mark.parametrize("name", BEFORE_RNG)
def test_rng_stands_where_torch_has_its_generator(name, library):
    function, before = getattr(ai, name), BEFORE_RNG[name]
    first, second = full(library, name), full(library, name)
    by_place = library.to_numpy(function(first, *before, 5))
    by_name = library.to_numpy(function(second, *before, rng=5))
    np.testing.assert_array_equal(by_place, by_name)
    with pytest.raises(TypeError, match="positional argument"):
        function(first, *before, 5, "OI...")


@pytest.mark.parametrize("keyword", ["generator", "seed", "key"])
@pytest.mark.parametrize("name", BEFORE_RNG)
def test_the_error_for_a_generator_names_rng(name, keyword, library):
    x = full(library, name)
    with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected keyword argument '{keyword}'; .* rng here"):
        getattr(ai, name)(x, *BEFORE_RNG[name], **{keyword: 5})
    assert (library.to_numpy(x) == 7).all()


@pytest.mark.parametrize("name", [*BEFORE_RNG, *OTHERS])
def test_the_error_for_a_tensor_names_x(name, library):
    arguments = OTHERS.get(name, {"sparsity": 0.5} if name == "sparse_" else {})
    x = full(library, name)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        getattr(ai, name)(tensor=x, **arguments)
    with pytest.raises(TypeError, match="unexpected keyword argument 'tensor'; it is called x here"):
        getattr(ai, name)(x, tensor=x, **arguments)
    assert (library.to_numpy(x) == 7).all()


@pytest.mark.parametrize("name", [*BEFORE_RNG, *OTHERS])
def test_the_error_for_another_keyword_names_all_that_there_are(name):
    function = getattr(ai, name)
    arguments = OTHERS.get(name, {"sparsity": 0.5} if name == "sparse_" else {})
    accepted = ", ".join(inspect.signature(function).parameters)
    with pytest.raises(TypeError, match=rf"unexpected keyword argument 'sdt'; it takes {accepted}$"):
        function(np.zeros(SHAPES.get(name, (4, 6))), sdt=1, **arguments)
    if "rng" not in inspect.signature(function).parameters:
        with pytest.raises(TypeError, match=rf"'generator'; it takes {accepted}$"):
            function(np.zeros(SHAPES.get(name, (4, 6))), generator=1, **arguments)
