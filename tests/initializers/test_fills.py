"""The functions that draw nothing, in every dtype that a library has."""

import numpy as np
import pytest
from libraries import no_such_case

import arrayinit as ai
from arrayinit.core.dtypes import NAMES


@pytest.fixture(params=NAMES)
def any_dtype(request, library):
    if not library.has(request.param):
        no_such_case(f"{library.name} has no {request.param}")
    return request.param


def dirac(shape, groups):
    """Return what torch documents, element by element."""
    expected = np.zeros(shape)
    size = shape[0] // groups
    for group in range(groups):
        for channel in range(min(size, shape[1])):
            expected[(group * size + channel, channel, *(n // 2 for n in shape[2:]))] = 1
    return expected


@pytest.mark.parametrize(("shape", "groups"), [((4, 3, 3), 1), ((3, 4, 2, 5), 1), ((6, 2, 3, 1, 2), 3)])
def test_dirac(shape, groups, any_dtype, library):
    x = ai.dirac_(library.full(shape, any_dtype, 1), groups)
    assert library.device(x) == library.device(library.empty(shape, any_dtype))
    np.testing.assert_array_equal(library.to_numpy(x), dirac(shape, groups))


@pytest.mark.parametrize("layout", ["...IO", "IO...", "O...I", "I...O"])
def test_dirac_in_another_layout_is_the_same_permuted(layout, library):
    size = {"O": (6,), "I": (4,), ".": (3, 5)}
    axes = {"O": (0,), "I": (1,), ".": (2, 3)}
    letters = layout.replace("...", ".")
    shape = tuple(n for letter in letters for n in size[letter])
    order = tuple(i for letter in letters for i in axes[letter])
    x = library.to_numpy(ai.dirac_(library.empty(shape, "float32"), 2, layout=layout))
    np.testing.assert_array_equal(x, dirac((6, 4, 3, 5), 2).transpose(order))


def test_dirac_with_several_feature_axes_and_a_batch(library):
    x = library.to_numpy(ai.dirac_(library.empty((2, 2, 3, 6), "float32"), layout="BOOI"))
    np.testing.assert_array_equal(x, np.broadcast_to(np.eye(6).reshape(2, 3, 6), (2, 2, 3, 6)))


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (1, 1)])
def test_eye(shape, any_dtype, library):
    x = library.full(shape, any_dtype, 1)
    y = ai.eye_(x)
    assert (y is x) == library.in_place
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(library.to_numpy(y), np.eye(*shape))


@pytest.mark.parametrize("val", [0, 1, 3])
def test_constants(val, any_dtype, library):
    x = library.full((2, 3), any_dtype, 1)
    y = ai.constant_(x, val)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(library.to_numpy(y), np.full((2, 3), bool(val) if any_dtype == "bool" else val))
    np.testing.assert_array_equal(library.to_numpy(ai.ones_(x)), 1)
    np.testing.assert_array_equal(library.to_numpy(ai.zeros_(x)), 0)


def test_a_fraction_is_cut_off_in_integers_as_torch_does(library):
    for val, expected in ((2.9, 2), (-2.9, -2)):
        np.testing.assert_array_equal(library.to_numpy(ai.constant_(library.full((3,), "int32", 1), val)), expected)
