"""The check of CuPy's kernels at their first use, with NumPy in CuPy's place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import cupy_on_numpy
import numpy as np
import pytest
from cupy_on_numpy import DEVICE, plain
from cupy_stand_in import full, stand_in  # noqa: F401
from portable_calls import same_bits

import arrayinit
from arrayinit.backends import first_use
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import Seed

pytestmark = pytest.mark.usefixtures("numpy_library")


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An item for each launch."""
    counted: list[int] = []
    call = cupy_on_numpy.RawKernel.__call__

    def count(self: Any, *given: Any) -> None:
        counted.append(0)
        call(self, *given)

    monkeypatch.setattr(cupy_on_numpy.RawKernel, "__call__", count)
    return counted


def normal() -> np.ndarray:
    x = full((40, 30))
    arrayinit.normal_(x, std=0.5, rng=1)
    return plain(x)


def sparse() -> np.ndarray:
    x = full((40, 30))
    arrayinit.sparse_(x, 0.5, std=0.5, rng=1)
    return plain(x)


def test_a_kernel_is_checked_once(launched: list[int]) -> None:
    first, again = normal(), normal()
    np.testing.assert_array_equal(first, again)
    assert (len(launched), list(first_use._answers.values())) == (3, [True])
    assert DEVICE.outside == []


def test_the_host_fills_where_a_kernel_is_wrong(launched: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    right = normal()
    first_use._answers.clear()
    call = cupy_on_numpy.RawKernel.__call__

    def wrong(self: Any, grid: Any, block: Any, arguments: Any) -> None:
        call(self, grid, block, arguments)
        plain(arguments[0]).view("uint32").flat[0] ^= 1

    monkeypatch.setattr(cupy_on_numpy.RawKernel, "__call__", wrong)
    with pytest.warns(UserWarning, match="CuPy's kernel on cuda:0 computes other values than the host for Normal"):
        same_bits(normal(), right, "float32")
    count = len(launched)
    same_bits(normal(), right, "float32")
    assert len(launched) == count


@pytest.mark.parametrize(("choice", "count"), [("device", 1), ("host", 0), ("check", 2)])
def test_the_variable_forces_the_device_or_the_host(
    choice: str, count: int, launched: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(first_use.VARIABLE, choice)
    values = normal()
    assert len(launched) == count
    monkeypatch.setenv(first_use.VARIABLE, "check")
    same_bits(values, normal(), "float32")


def test_each_fill_reads_the_variable(launched: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for choice in ("check", "host", "device", "check", "host"):
        monkeypatch.setenv(first_use.VARIABLE, choice)
        normal()
        counts.append(len(launched))
    assert counts == [2, 2, 3, 4, 4]


def test_while_a_graph_is_captured_nothing_waits(launched: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DEVICE, "capturing", True)
    normal()
    assert (len(launched), first_use._answers) == (1, {})
    monkeypatch.setattr(DEVICE, "capturing", False)
    normal()
    assert (len(launched), list(first_use._answers.values())) == (3, [True])


@pytest.mark.parametrize("draw", [normal, sparse])
def test_the_check_is_left_to_a_fill_that_finds_memory(
    draw: Callable[[], np.ndarray], launched: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    cupy = sys.modules["cupy"]
    empty, right = cupy.empty, draw()
    first_use._answers.clear()
    launched.clear()

    def full(shape: tuple[int, ...], dtype: Any) -> Any:
        # The check takes 64 rows and columns, the array itself has fewer.
        if 64 in shape:
            raise cupy.cuda.memory.OutOfMemoryError
        return empty(shape, dtype)

    with monkeypatch.context() as patch:
        patch.setattr(cupy, "empty", full)
        same_bits(draw(), right, "float32")
    once = 1 if draw is normal else 2
    assert (len(launched), first_use._answers) == (once, {})
    same_bits(draw(), right, "float32")
    assert (len(launched), list(first_use._answers.values())) == (3 * once, [True])


def test_any_other_error_of_the_check_is_told(launched: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("an illegal address")

    monkeypatch.setattr(cupy_on_numpy.RawKernel, "__call__", fails)
    with pytest.raises(RuntimeError, match="an illegal address"):
        normal()
    assert first_use._answers == {}


def test_zeros_are_checked_apart(launched: list[int]) -> None:
    normal()
    arrayinit.sparse_(full((40, 30)), 0.5, std=0.5, rng=1)
    assert len(first_use._answers) == 2
    # Values and keys, of the check and of the array.
    assert len(launched) == 2 + 4


def test_the_check_compares_4096_words() -> None:
    asked: list[Draw] = []

    def remembered(sample: Draw) -> None:
        asked.append(sample)

    draw = Draw(Normal(0.0, 0.5), Seed((1,)), FORMATS["float32"], (3, 4), (0, 1), 2)
    assert first_use.is_right("a device", draw, remembered) is None
    (sample,) = asked
    assert (np.prod(sample.shape), sample.zeros, sample.distribution) == (4096, 32, draw.distribution)
