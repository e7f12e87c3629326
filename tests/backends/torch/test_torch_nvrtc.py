"""torch's CUDA kernels from end to end, with a driver that runs them on the host."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases import DRAWS
from cuda_driver import KINDS
from libraries import no_such_case
from places import ROOT
from portable_calls import same_bits

import arrayinit
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import Seed

pytestmark = pytest.mark.usefixtures("torch_library")

SHAPE = (6, 5, 3, 7)
TENSORS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda torch: torch.empty(SHAPE),
    "parameter": lambda torch: torch.nn.Parameter(torch.empty(SHAPE)),
    "bfloat16": lambda torch: torch.empty(SHAPE, dtype=torch.bfloat16),
    "float8_e5m2": lambda torch: torch.empty(SHAPE, dtype=torch.float8_e5m2),
    "float64": lambda torch: torch.empty(SHAPE, dtype=torch.float64),
    "complex64": lambda torch: torch.empty(SHAPE, dtype=torch.complex64),
    "channels last": lambda torch: torch.empty(SHAPE).to(memory_format=torch.channels_last),
    "every second": lambda torch: torch.full((12, 10, 3, 7), 7.0)[::2, ::2],
    "conjugate": lambda torch: torch.empty(SHAPE, dtype=torch.complex64).conj(),
    "negative": lambda torch: torch.empty(SHAPE, dtype=torch.complex64).conj().imag,
    "imaginary part": lambda torch: torch.empty(SHAPE, dtype=torch.complex128).imag,
    "without axes": lambda torch: torch.empty(()),
    "without elements": lambda torch: torch.empty(3, 0),
}


@pytest.mark.parametrize("kind", TENSORS)
@pytest.mark.parametrize("mean", [0.0, 0.5])
def test_a_tensor_has_the_bits_of_the_host_and_a_new_version(kind: str, mean: float, gpu: Any, driver: Any) -> None:
    import torch

    x = TENSORS[kind](torch)
    dtype = str(x.dtype).removeprefix("torch.")
    if mean and dtype in ("bfloat16", "float8_e5m2"):
        no_such_case("one mean is enough for the rounding")
    before, strides = x._version, x.stride()
    assert arrayinit.normal_(x, mean, 0.5, rng=5) is x
    assert x._version > before
    assert (x.is_leaf, x.grad_fn, x.stride()) == (True, None, strides)
    # The first launch is the check of the kernel.
    assert [stream for _, stream in driver.launched] == [gpu.stream] * (2 if x.numel() else len(driver.launched))
    values = x.detach().resolve_conj().resolve_neg()
    stored = values.float() if dtype in ("bfloat16", "float8_e5m2") else values
    host = np.empty(x.shape, dtype) if stored is values else None
    if host is None:
        expected = torch.empty(x.shape, dtype=x.dtype)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (("is_cpu", True), ("is_cuda", False)):
                patch.setattr(torch.Tensor, name, property(lambda _, value=value: value))
            arrayinit.normal_(expected, mean, 0.5, rng=5)
        assert torch.equal(values.view(torch.uint8), expected.view(torch.uint8))
    else:
        same_bits(values.numpy(), arrayinit.normal_(host, mean, 0.5, rng=5), dtype)


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    "name", ["kaiming_uniform_", "sparse_", "sparse_(sparsity=0.8, std=0.5)", "trunc_normal_(a=2.0, b=3.0)"]
)
def test_a_function_has_the_bits_of_numpy(name: str) -> None:
    import torch

    draw = DRAWS[name].at((30, 21))
    same_bits(draw.fill(torch.empty(draw.shape)).numpy(), draw.fill(np.empty(draw.shape, np.float32)), "float32")


@pytest.mark.usefixtures("gpu")
def test_a_layout_is_filled_in_its_order() -> None:
    import torch

    x = torch.empty(3, 4, 5, 6)
    arrayinit.xavier_normal_(x, layout="...IO", rng=3)
    same_bits(x.numpy(), arrayinit.xavier_normal_(np.empty(x.shape, np.float32), layout="...IO", rng=3), "float32")


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(("distribution", "dtype"), [KINDS[0], KINDS[3]], ids=["float32", "complex64"])
def test_a_box_in_any_memory_is_that_part_of_the_whole(distribution: Any, dtype: str) -> None:
    import torch

    from arrayinit.kernels import _cuda_torch

    rng = np.random.default_rng(0)
    for _ in range(30):
        shape = tuple(rng.integers(1, 24, rng.integers(1, 6)).tolist())
        order = tuple(rng.permutation(len(shape)).tolist())
        draw = Draw(distribution, Seed((3,)), FORMATS[dtype], shape, order)
        turned = [slice(*sorted(rng.integers(0, shape[k] + 1, 2).tolist())) for k in draw.inverse]
        across = torch.full(tuple(2 * shape[k] + 1 for k in draw.inverse), 7.0, dtype=getattr(torch, dtype))
        part = across[tuple(slice(2 * side.start + 1, 2 * side.stop + 1, 2) for side in turned)]
        corner = [side.start for side in turned]
        expected = np.empty(part.shape, dtype)
        draw.fill_host(expected, corner)
        _cuda_torch.fill_device(part, draw, corner)
        same_bits(part.numpy(), expected, dtype)
        part.fill_(7)
        assert (across == 7).all()


@pytest.mark.usefixtures("gpu")
def test_a_function_of_torch_func_fills_as_without_it() -> None:
    import torch

    expected = torch.from_numpy(arrayinit.normal_(np.empty((12, 10), np.float32), rng=1))
    for part in torch.vmap(lambda x: arrayinit.normal_(x, rng=1))(torch.empty(3, 12, 10)):
        assert torch.equal(part, expected)


@pytest.mark.usefixtures("gpu")
def test_a_thread_without_a_context_gets_that_of_torch(driver: Any) -> None:
    import torch

    arrayinit.normal_(torch.empty(3), rng=1)
    x = torch.empty(100)
    thread = threading.Thread(target=lambda: arrayinit.normal_(x, rng=1))
    thread.start()
    thread.join()
    same_bits(x.numpy(), arrayinit.normal_(np.empty(100, np.float32), rng=1), "float32")


def test_a_kernel_is_loaded_once_on_each_device(driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from torch_on_cuda import stand_in

    from arrayinit.kernels import _cuda_torch

    stand_in(monkeypatch, driver)
    for device in (0, 1, 0, 1):
        monkeypatch.setattr(torch.Tensor, "get_device", lambda _, device=device: device)
        for std in (1.0, 0.02):
            arrayinit.normal_(torch.empty(5, 3), std=std, rng=1)
    assert _cuda_torch._function.cache_info().currsize == 2


@pytest.mark.parametrize("fault", ["an old GPU", "AMD's GPU", "no NVRTC", "no driver", "an old driver"])
def test_without_nvrtc_other_kernels_or_the_host_fill(
    fault: str, gpu: Any, driver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from arrayinit.kernels import _cuda_torch

    def missing(*_: object) -> Any:
        raise RuntimeError("no such library")

    match fault:
        case "an old GPU":
            gpu.capability = (7, 0)
        case "AMD's GPU":
            monkeypatch.setattr(torch.version, "hip", "7.0")
        case "no NVRTC":
            monkeypatch.setattr(_cuda_torch, "compiled", missing)
        case "an old driver":
            refused = (_cuda_torch.driver.CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION, None)
            monkeypatch.setattr(_cuda_torch.driver, "cuModuleLoadData", lambda _: refused)
        case _:
            monkeypatch.setattr(_cuda_torch.driver, "cuInit", missing)
    x = arrayinit.normal_(torch.empty(5, 3), rng=1)
    same_bits(x.numpy(), arrayinit.normal_(np.empty((5, 3), np.float32), rng=1), "float32")
    assert driver.launched == []


def test_what_cannot_be_loaded_during_a_capture_is_not_remembered(
    gpu: Any, driver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from arrayinit.kernels import _cuda_torch

    refused = (_cuda_torch.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, None)
    with monkeypatch.context() as patch:
        patch.setattr(_cuda_torch.driver, "cuModuleLoadData", lambda _: refused)
        gpu.capturing = True
        with pytest.raises(RuntimeError, match="CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"):
            arrayinit.normal_(torch.empty(3), rng=1)
    gpu.capturing = False
    arrayinit.normal_(torch.empty(3), rng=1)
    assert len(driver.launched) == 2


@pytest.mark.parametrize("choice", ["check", "device"])
def test_contexts_are_entered_where_torch_restores_the_device(
    choice: str, gpu: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from arrayinit.backends import first_use
    from arrayinit.kernels import _cuda_torch

    enter, entered = _cuda_torch._enter, []

    def watched(device: int) -> None:
        entered.append((device, list(gpu.entered)))
        enter(device)

    monkeypatch.setattr(_cuda_torch, "_enter", watched)
    monkeypatch.setenv(first_use.VARIABLE, choice)
    for fill in (lambda x: arrayinit.normal_(x, rng=1), lambda x: arrayinit.normal_(x.T, rng=1)):
        fill(torch.empty(3, 5))
    assert entered
    assert all(device == within[-1] for device, within in entered)


def test_an_error_of_the_driver_is_told(gpu: Any, driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from arrayinit.kernels import _cuda_torch

    arrayinit.normal_(torch.empty(3), rng=1)
    monkeypatch.setattr(_cuda_torch, "THREADS", 2048)
    with pytest.raises(RuntimeError, match="CUDA: CUDA_ERROR_INVALID_VALUE"):
        arrayinit.normal_(torch.empty(3), rng=1)


@pytest.mark.usefixtures("driver")
def test_the_benchmark_of_launches_runs() -> None:
    if not (ROOT / "benchmarks").exists():
        pytest.skip("the source distribution has no benchmarks")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.launches", "--rounds", "1"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    rows = done.stdout.splitlines()[2:]
    assert len(rows) == 13
    assert all(re.fullmatch(r"\| .+ \| [\d.]+ \| [\d.]+ \|", row) for row in rows)
