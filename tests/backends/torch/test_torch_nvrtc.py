"""torch's CUDA kernels from end to end, with a driver that runs them on the host; and NVRTC itself, without a GPU."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import DRAWS
from libraries import no_such_case
from places import ROOT
from portable_calls import same_bits

import arrayinit
from arrayinit.backends import first_use
from arrayinit.core.distributions import Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels import machine_code
from arrayinit.kernels.cuda import source
from arrayinit.kernels.draw import Draw
from arrayinit.stream.program import KEYS_PROGRAM, recorded
from arrayinit.stream.seed import Seed

pytestmark = pytest.mark.usefixtures("torch_library")

KINDS = [(Normal(0.0, 0.5), name) for name in ("float32", "bfloat16", "float64", "complex64", "float8_e5m2")]
KINDS += [(Normal(0.5, 0.5), name) for name in ("float32", "complex64", "float64")]
KINDS += [(Uniform(-1.0, 1.0), "float32"), (TruncatedNormal(0.0, 1.0, 2.0, 3.0), "float32")]


@pytest.fixture(scope="module")
def driver() -> Any:
    if sys.platform != "linux":
        no_such_case("the driver is built for Linux")
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU, with its own driver: tests/gpu.py uses it")
    try:
        import cuda.bindings  # noqa: F401
    except ImportError:
        # What torch's own wheels for CUDA require.
        if "torch" in os.environ.get("ARRAYINIT_TEST_BACKENDS", "").split(","):
            raise
        pytest.skip("cuda.bindings is not installed")
    from fake_cuda import Driver

    made = Driver()
    made.runs(
        [*(source(recorded(d, FORMATS[name]).program, name) for d, name in KINDS), source(KEYS_PROGRAM, "uint32")]
    )
    return made


@pytest.fixture
def gpu(driver: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from torch_on_cuda import stand_in

    yield stand_in(monkeypatch, driver)
    # The next test is to ask anew.
    stand_in(monkeypatch, driver)


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
    for _ in range(100):
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


def wrong_by_a_bit(driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every kernel change a bit of the first elements."""
    import ctypes

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


@pytest.mark.parametrize("fault", ["an old GPU", "AMD's GPU", "no NVRTC", "no driver"])
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
        case _:
            monkeypatch.setattr(_cuda_torch.driver, "cuInit", missing)
    x = arrayinit.normal_(torch.empty(5, 3), rng=1)
    same_bits(x.numpy(), arrayinit.normal_(np.empty((5, 3), np.float32), rng=1), "float32")
    assert driver.launched == []


def test_an_error_of_the_driver_is_told(gpu: Any, driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from arrayinit.kernels import _cuda_torch

    arrayinit.normal_(torch.empty(3), rng=1)
    monkeypatch.setattr(_cuda_torch, "THREADS", 2048)
    with pytest.raises(RuntimeError, match="CUDA: CUDA_ERROR_INVALID_VALUE"):
        arrayinit.normal_(torch.empty(3), rng=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(machine_code.VARIABLE, str(tmp_path / "a" / "folder"))
    return tmp_path / "a" / "folder"


EMPTY = 'extern "C" __global__ void draw() {}'


@pytest.mark.usefixtures("driver")
def test_nvrtc_compiles_once_and_anew_where_a_file_is_damaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from arrayinit.kernels import _nvrtc

    code, unkept = _nvrtc.compiled(EMPTY, 90), _nvrtc._compiled
    assert code[:4] == b"\x7fELF"
    (file,) = folder.iterdir()
    assert file.read_bytes()[32:] == code
    monkeypatch.setattr(_nvrtc, "_compiled", lambda *_: pytest.fail("it was compiled before"))
    assert _nvrtc.compiled(EMPTY, 90) == code
    monkeypatch.setattr(_nvrtc, "_compiled", unkept)
    for content in (b"", file.read_bytes()[:-1], bytes(32) + code):
        file.write_bytes(content)
        assert _nvrtc.compiled(EMPTY, 90)[:4] == b"\x7fELF"
        assert file.read_bytes()[32:][:4] == b"\x7fELF"
    assert [path.name for path in folder.iterdir()] == [file.name]


@pytest.mark.usefixtures("driver")
def test_another_architecture_source_or_release_is_another_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from arrayinit.kernels import _nvrtc

    monkeypatch.setattr(_nvrtc, "_compiled", lambda *_: b"code")
    for text, architecture in ((EMPTY, 90), (EMPTY, 80), (EMPTY + " ", 90), (EMPTY, 90)):
        _nvrtc.compiled(text, architecture)
    monkeypatch.setattr(_nvrtc, "_version", lambda: (13, 99))
    _nvrtc.compiled(EMPTY, 90)
    assert len(list(folder.iterdir())) == 4


@pytest.mark.usefixtures("driver")
def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from arrayinit.kernels import _nvrtc

    (tmp_path / "file").touch()
    monkeypatch.setenv(machine_code.VARIABLE, str(tmp_path / "file" / "folder"))
    assert _nvrtc.compiled(EMPTY, 90)[:4] == b"\x7fELF"
    monkeypatch.setattr(machine_code, "folder", lambda: Path("~nobody of this name").expanduser())
    assert _nvrtc.compiled(EMPTY, 90)[:4] == b"\x7fELF"


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("capability", "architecture"),
    [((9, 0), 90), ((8, 9), 89), ((8, 6), 86), ((7, 5), 75), ((12, 0), 120), ((7, 0), None), ((99, 0), None)],
)
def test_the_architecture_is_one_that_the_gpu_runs(capability: tuple[int, int], architecture: int | None) -> None:
    from arrayinit.kernels import _nvrtc

    if architecture is None:
        with pytest.raises(RuntimeError, match=r"NVRTC 1\d\.\d does not compile for a GPU of version"):
            _nvrtc.best_architecture(capability)
    else:
        assert _nvrtc.best_architecture(capability) == architecture


@pytest.mark.usefixtures("driver")
def test_an_error_of_nvrtc_shows_its_log() -> None:
    from arrayinit.kernels import _nvrtc

    with pytest.raises(RuntimeError, match=r"(?s)NVRTC_ERROR_COMPILATION.*arrayinit.cu\(1\): error: expected"):
        _nvrtc.compiled("int x = ;", 90)


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(("distribution", "dtype"), [KINDS[0], KINDS[3]], ids=["normal", "complex"])
def test_nvrtc_compiles_the_kernels(distribution: Any, dtype: str, folder: Path) -> None:
    from arrayinit.kernels import _nvrtc

    program = recorded(distribution, FORMATS[dtype]).program
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert b"draw" in _nvrtc.compiled(source(program, dtype), 90)


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
