"""The three ways to call a value: on an array, with a key and a shape, and with a shape."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
from cases import FILLING, Case, value_of
from libraries import Library

import arrayinit as ai
from arrayinit.testing.reference import assert_same


@pytest.mark.parametrize("case", FILLING, ids=str)
def test_on_an_array_a_value_is_the_function(case: Case, library: Library) -> None:
    value = value_of(case)
    # The first call finds the backend of the type in another way than later calls.
    for _ in range(2):
        x = library.empty(case.shape, "float32")
        expected = library.to_numpy(case.fill(library.empty(case.shape, "float32"), 7))
        assert_same(library.to_numpy(value(x, rng=7)), expected)


def test_a_warning_points_at_the_line_that_called(numpy_library: Library) -> None:
    x = numpy_library.empty((0, 3), "float32")
    value = ai.kaiming_normal(layout="OI")
    for call in (lambda: value(x), lambda: value.fill(x, 0), lambda: ai.initialize({"x": x}, [("x", value)])):
        with pytest.warns(UserWarning, match="zero-element") as record:
            call()
        assert [warning.filename for warning in record] == [__file__]


def test_a_value_that_draws_nothing_ignores_rng(library: Library) -> None:
    x = ai.zeros()(ai.ones()(library.empty((2, 3), "float32"), rng=3))
    assert not library.to_numpy(x).any()


@pytest.fixture
def alone(numpy_library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a program that loads no framework that calls a value with a shape."""
    for name in ("haiku", "keras"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("alone")
def test_a_shape_gives_an_array_of_numpy() -> None:
    value = ai.normal(std=0.02)
    first, second = value((2, 3)), value(shape=[2, 3])
    assert (type(first), first.dtype, first.shape) == (np.ndarray, np.float32, (2, 3))
    assert (first != second).all(), "two calls give new values"
    assert value((2, 3), np.float64).dtype == value((2, 3), dtype="float64").dtype == np.float64
    assert value(()).shape == ()
    np.testing.assert_array_equal(ai.ones()((2, 3)), np.ones((2, 3)))


@pytest.mark.usefixtures("alone")
def test_with_a_shape_the_layout_is_that_of_the_layers() -> None:
    """The std of 2^18 draws differs by some 0.1 % from the expected one."""
    shape = (3, 3, 128, 256)
    for value, fan in (
        (ai.lecun_normal(), 9 * 128),
        (ai.lecun_normal(layout="...IO"), 9 * 128),
        (ai.lecun_normal(layout="...OI"), 9 * 256),
        (ai.lecun_normal(layout="OI..."), 128 * 256 * 3),
    ):
        assert value(shape).std() == pytest.approx(fan**-0.5, rel=0.01)
    # A plain distribution takes any shape, and draws in the order of the array.
    for value in (ai.normal(), ai.uniform(), ai.trunc_normal(), ai.zeros(), ai.constant(2.0)):
        assert value((5,)).shape == (5,)
    with pytest.raises(ValueError, match=re.escape("for a bias, pass layout='O'")):
        ai.lecun_normal()((5,))
    assert ai.lecun_normal(layout="I")((5,)).shape == (5,)


class Linear:
    """Stands for the layers of frameworks, which the sessions of the frameworks test."""


class Module(Linear):
    pass


WAYS = "a value is called on an array (value(x, rng=seed)), as JAX does"


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((), {}, f"a value got no arguments: {WAYS}"),
        ((np.empty(2),), {"dtype": "float32"}, "a value got an unexpected keyword argument 'dtype'"),
        ((np.empty(2),), {"std": 2.0}, "a value got an unexpected keyword argument 'std'"),
        ((np.empty(2), 0), {}, "normal() needs a shape after the key, got 0"),
        (((2, 3), "float32", 0), {}, "a value got too many arguments"),
        (((2, 3),), {"shape": (2, 3)}, "a value got too many arguments"),
        (((2, 3),), {"rng": 0}, "unexpected keyword argument 'rng'"),
        (("abc",), {}, "x must be an array of NumPy"),
        ((Module(),), {}, "normal() fills arrays, and got a whole Module: call it on a parameter, as on layer.weight"),
        (((2.5, 3),), {}, "a shape must be of integers"),
        (([np.ones(3)],), {}, "a shape must be of integers"),
    ],
)
def test_a_wrong_call_names_the_right_ones(args: tuple, kwargs: dict, text: str) -> None:
    with pytest.raises(TypeError, match=re.escape(text)):
        ai.normal()(*args, **kwargs)
