"""The check of torch's CUDA kernels at their first use, with a driver that runs them on the host."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from portable_calls import same_bits

import arrayinit
from arrayinit.backends import first_use

pytestmark = pytest.mark.usefixtures("torch_library")


def wrong_by_a_bit(driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every kernel change a bit of the first elements."""
    run = driver.kernels.launch

    def launch(source: str, grid: int, arguments: Any) -> None:
        run(source, grid, arguments)
        out = ctypes.cast(arguments, ctypes.POINTER(ctypes.POINTER(ctypes.POINTER(ctypes.c_ubyte))))[0][0]
        for k in range(0, 160, 4):
            out[k] ^= 1

    monkeypatch.setattr(driver.kernels, "launch", launch)


@pytest.mark.parametrize("draw", [lambda x: arrayinit.normal_(x, rng=1), lambda x: arrayinit.sparse_(x, 0.5, rng=1)])
def test_the_host_fills_where_a_kernel_is_wrong(
    draw: Callable[[Any], Any], gpu: Any, driver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    wrong_by_a_bit(driver, monkeypatch)
    expected = draw(np.empty((40, 30), np.float32))
    with pytest.warns(
        UserWarning, match=r"NVRTC's CUDA kernel on cuda:0 computes other values than the host for Normal"
    ):
        same_bits(draw(torch.empty(40, 30)).numpy(), expected, "float32")
    count = len(driver.launched)
    same_bits(draw(torch.empty(40, 30)).numpy(), expected, "float32")
    assert len(driver.launched) == count


@pytest.mark.parametrize("choice", ["device", "host", "check"])
def test_the_variable_forces_the_device_or_the_host(
    choice: str, gpu: Any, driver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setenv(first_use.VARIABLE, choice)
    arrayinit.normal_(torch.empty(5, 3), rng=1)
    assert len(driver.launched) == {"device": 1, "host": 0, "check": 2}[choice]


def test_each_fill_reads_the_variable(gpu: Any, driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    wrong_by_a_bit(driver, monkeypatch)
    x, expected = torch.empty(40, 30), arrayinit.normal_(np.empty((40, 30), np.float32), rng=1)
    for choice, is_right in (("device", False), ("host", True), ("check", True), ("device", False), ("check", True)):
        monkeypatch.setenv(first_use.VARIABLE, choice)
        with (
            pytest.warns(UserWarning, match="other values")
            if not first_use._answers and choice == "check"
            else nullcontext()
        ):
            for _ in range(2):
                assert np.array_equal(arrayinit.normal_(x, rng=1).numpy(), expected) == is_right, choice


def test_a_wrong_choice_is_an_error(gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setenv(first_use.VARIABLE, "gpu")
    with pytest.raises(ValueError, match="ARRAYINIT_GPU must be one of check, device, host; got 'gpu'"):
        arrayinit.normal_(torch.empty(3), rng=1)


@pytest.mark.parametrize("reason", ["capturing", "sync_debug_mode"])
def test_the_check_is_left_to_a_fill_that_may_wait(reason: str, gpu: Any, driver: Any) -> None:
    import torch

    setattr(gpu, reason, 1)
    arrayinit.normal_(torch.empty(5, 3), rng=1)
    assert (len(driver.launched), first_use._answers) == (1, {})
    setattr(gpu, reason, 0)
    arrayinit.normal_(torch.empty(5, 3), rng=1)
    assert (len(driver.launched), list(first_use._answers.values())) == (3, [True])


def test_numbers_that_round_to_zero_tell_nothing(gpu: Any, driver: Any) -> None:
    import torch

    x = torch.empty((5, 3), dtype=torch.bfloat16)
    arrayinit.normal_(x, 0.0, 1e-43, rng=1)
    assert not x.any()
    assert (len(driver.launched), first_use._answers) == (2, {})
    arrayinit.normal_(x, 0.0, 0.5, rng=1)
    assert (len(driver.launched), list(first_use._answers.values())) == (4, [True])


def test_the_check_is_left_to_a_fill_that_finds_memory(gpu: Any, driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def full(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("no memory")

    x = torch.empty(5, 3)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "empty", full)
        arrayinit.normal_(x, rng=1)
    same_bits(x.numpy(), arrayinit.normal_(np.empty((5, 3), np.float32), rng=1), "float32")
    assert (len(driver.launched), first_use._answers) == (1, {})
