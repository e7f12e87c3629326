"""Any box of any draw, filled by any kernel in any memory, has the bits of that part of the logical array."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from any_box import Case, Memory, random_case
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels_under_test import KERNELS, Kernel

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import seed_of

pytestmark = pytest.mark.usefixtures("library")

# The library tells conftest.py which session runs the test.
every_kernel = pytest.mark.parametrize(
    ("kernel", "library"),
    [pytest.param(name, kernel.library, id=name) for name, kernel in KERNELS.items()],
    indirect=True,
)
every_core = pytest.mark.parametrize(
    ("kernel", "library"),
    [pytest.param(name, kernel.library, id=name) for name, kernel in KERNELS.items() if name.startswith("core")],
    indirect=True,
)
every_dtype = pytest.mark.parametrize(
    ("kernel", "library", "dtype"),
    [
        pytest.param(name, kernel.library, dtype, id=f"{name}, {dtype}")
        for name, kernel in KERNELS.items()
        for dtype in kernel.dtypes
        if kernel.has_every_distribution
    ],
    indirect=["kernel", "library"],
)


@pytest.fixture
def kernel(request: pytest.FixtureRequest) -> Kernel:
    """Each kernel that this session can run."""
    chosen = KERNELS[request.param]
    if chosen.skip:
        pytest.skip(chosen.skip)
    return chosen


@contextmanager
def variables(values: dict[str, Any]) -> Iterator[None]:
    """Set variables of modules, or of the environment if the name has no dot."""
    with ExitStack() as stack:
        for name, value in values.items():
            stack.enter_context(patch(name, value) if "." in name else patch.dict("os.environ", {name: value}))
        yield


@every_dtype
def test_every_distribution(kernel: Kernel, dtype: str) -> None:
    shape = (13, 211)
    for name, distribution, its_dtype in kernel.all_distributions:
        if its_dtype == dtype:
            zeros = 11 if name == "normal" and kernel.has_zeros else 0
            draw = Draw(distribution, seed_of(5), FORMATS[dtype], shape, (0, 1), zeros)
            case = Case(draw, (0, 0), shape, Memory((0, 1), (1, 1), (0, 0)))
            np.testing.assert_array_equal(case.filled(kernel.fill), case.expected(), err_msg=name)


@every_kernel
def test_any_box(kernel: Kernel) -> None:
    for seed in range(kernel.examples):
        check_box(kernel, Random(seed))


@every_core
def test_any_box_that_hypothesis_finds(kernel: Kernel) -> None:
    # Other boxes in each run.
    @settings(max_examples=300, deadline=None, derandomize=False)
    @given(st.randoms(use_true_random=False))
    def check(rng: Random) -> None:
        check_box(kernel, rng)

    check()


def check_box(kernel: Kernel, rng: Random) -> None:
    case = random_case(kernel, rng)
    values = {name: rng.choice(tried) for name, tried in kernel.variables.items()}
    with variables(values):
        ours = case.filled(kernel.fill)
    np.testing.assert_array_equal(ours, case.expected(), err_msg=f"{case}, {values}")
