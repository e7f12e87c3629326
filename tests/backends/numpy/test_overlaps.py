"""Whether elements share memory, against the addresses of all elements."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import arrayinit
from arrayinit.backends.arguments import overlaps

pytestmark = pytest.mark.usefixtures("numpy_library")

AXES = st.lists(st.tuples(st.integers(-14, 14), st.integers(0, 5)), max_size=4)


def seen(strides: tuple[int, ...], shape: tuple[int, ...], size: int) -> bool:
    places = [sum(map(int.__mul__, index, strides)) for index in product(*map(range, shape))]
    bytes_of_all = [place + byte for place in places for byte in range(size)]
    return len(set(bytes_of_all)) < len(bytes_of_all)


@given(axes=AXES, size=st.sampled_from([1, 2, 4, 8]))
def test_elements_share_memory_as_their_addresses_say(axes: list[tuple[int, int]], size: int) -> None:
    strides, shape = tuple(step for step, _ in axes), tuple(count for _, count in axes)
    assert overlaps(strides, shape, size) == seen(strides, shape, size)


@pytest.mark.parametrize(
    ("strides", "shape", "expected"),
    [
        ((1001, 1000), (1000, 1000), False),
        ((1001, 1000), (1001, 1002), True),
        ((1, 1), (10**6, 10**6), True),
        ((10**6, 1), (10**6, 10**6), False),
        ((10**6, 1), (2, 10**6 + 1), True),
        ((2, 3), (3, 2), False),
        ((2, 3), (4, 3), True),
    ],
)
def test_large_views_are_told_apart(strides: tuple[int, ...], shape: tuple[int, ...], expected: bool) -> None:
    assert overlaps(strides, shape) == expected


def test_axes_that_reach_over_each_other_and_never_meet_are_filled() -> None:
    # Elements 0, 3; 2, 5; 4, 7.
    memory = np.zeros(8)
    x = np.lib.stride_tricks.as_strided(memory, (3, 2), (16, 24))
    assert arrayinit.ones_(x) is x
    assert memory.tolist() == [1, 0, 1, 1, 1, 1, 0, 1]


@pytest.mark.parametrize("rng", [None, 0, np.random.default_rng(0)])
def test_a_filled_array_can_still_be_resized(rng: object) -> None:
    x = np.empty(10)
    arrayinit.normal_(x, rng=rng)
    x.resize(20)
    assert np.count_nonzero(x) == 10
