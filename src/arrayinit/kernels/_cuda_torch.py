"""The portable stream for torch on NVIDIA GPUs: CUDA C++, compiled by NVRTC, without a host synchronization."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from struct import Struct
from typing import Any

import torch
from cuda.bindings import driver  # pyright: ignore[reportAttributeAccessIssue]

from arrayinit.kernels._nvrtc import best_architecture, compiled
from arrayinit.kernels._torch_columns import clear_columns
from arrayinit.kernels.cuda import THREADS, LaunchArgs, launch, pack_key, source
from arrayinit.kernels.cuda_steps import cuda_steps
from arrayinit.kernels.draw import Draw
from arrayinit.stream.program import KEYS_PROGRAM, Program, Recorded
from arrayinit.stream.seed import Key

NAME = "NVRTC's CUDA kernel"

# The addresses of the four arguments of a kernel. The array keeps the bytes alive.
_Arguments = ctypes.c_char_p * 4
_ADDRESS = Struct("P")

_KEYS = Recorded(KEYS_PROGRAM, ())


def check(device: int) -> None:
    """Raise unless kernels can be compiled and loaded on this device."""
    if torch.version.hip:
        raise RuntimeError("AMD's compiler does not know the instructions of the kernels")
    _ask(driver.cuInit(0))
    # A part of NVRTC may be missing, or the driver may be older than NVRTC and refuse its machine code.
    code = compiled('extern "C" __global__ void draw() {}', _architecture(device))
    with torch.cuda.device(device):
        _enter(device)
        _ask(driver.cuModuleUnload(_ask(driver.cuModuleLoadData(code))))


def fill_device(x: torch.Tensor, draw: Draw, corner: Sequence[int] | None = None) -> None:
    """Fill the memory of a tensor, or of the box of the array that begins at ``corner``."""
    first = corner or (0,) * x.ndim
    if draw.order != tuple(range(x.ndim)):
        x, first = x.permute(draw.order), [first[k] for k in draw.order]
    if not x.numel():
        return
    key, device = draw.seed.key(), x.get_device()
    with torch.cuda.device(device):
        _run(x, device, cuda_steps(draw.distribution, draw.dtype), draw.dtype.name, key, draw.shape, first)
        if draw.zeros:

            def keys(out: torch.Tensor, start: int) -> None:
                words = torch.empty(out.shape, dtype=torch.int32, device=out.device)
                _run(words.view(-1), device, _KEYS, "uint32", key, (start + words.numel(),), (start,))
                # Without a sign.
                out.copy_(words).bitwise_and_(0xFFFFFFFF)

            clear_columns(x, first, draw.shape[0], draw.zeros, keys)


def launcher(x: torch.Tensor, draw: Draw) -> Callable[[torch.Tensor, Key], None]:
    """Return a function that fills tensors of the device, shape and strides of ``x``, not empty, as a draw says."""
    device, box, made = x.get_device(), x.permute(draw.order), cuda_steps(draw.distribution, draw.dtype)
    fitted = launch(made, box.shape, _strides(box), draw.shape, (0,) * x.ndim)
    on_device = torch.cuda.device
    # To load a kernel makes its device the current one.
    with on_device(device):
        function = _function(made.program, draw.dtype.name, device)

    def fill(x: torch.Tensor, key: Key) -> None:
        with on_device(device):
            _launch(function, x, device, key, fitted)

    return fill


def _run(
    x: torch.Tensor, device: int, made: Recorded, dtype: str, key: Key, shape: Sequence[int], corner: Sequence[int]
) -> None:
    fitted = launch(made, x.shape, _strides(x), shape, corner)
    _launch(_function(made.program, dtype, device), x, device, key, fitted)


def _strides(x: torch.Tensor) -> list[int]:
    size = x.element_size()
    return [step * size for step in x.stride()]


def _launch(function: Any, x: torch.Tensor, device: int, key: Key, fitted: LaunchArgs) -> None:
    """Queue a kernel on torch's current stream of the device, which is torch's current device."""
    grid, box, numbers = fitted
    arguments = _Arguments(_ADDRESS.pack(x.data_ptr()), pack_key(key), box, numbers)
    stream = torch.cuda.current_stream(device).cuda_stream
    order = function, grid, 1, 1, THREADS, 1, 1, 0, stream, ctypes.addressof(arguments), 0
    (error,) = driver.cuLaunchKernel(*order)
    if error == driver.CUresult.CUDA_ERROR_INVALID_CONTEXT:
        # torch has not yet used the device in this thread.
        _enter(device)
        (error,) = driver.cuLaunchKernel(*order)
    _ask((error,))


@cache
def _function(program: Program, dtype: str, device: int) -> Any:
    """Return the kernel on torch's current device; the machine code stays there until the process ends."""
    code = compiled(source(program, dtype), _architecture(device))
    _enter(device)
    return _ask(driver.cuModuleGetFunction(_ask(driver.cuModuleLoadData(code)), b"draw"))


def _enter(device: int) -> None:
    """Make the context that torch uses for a device the current one of this thread."""
    _ask(driver.cuCtxSetCurrent(_ask(driver.cuDevicePrimaryCtxRetain(_ask(driver.cuDeviceGet(device))))))


@cache
def _architecture(device: int) -> int:
    return best_architecture(torch.cuda.get_device_capability(device))


def _ask(answer: tuple[Any, ...]) -> Any:
    """Return what a call of the driver returned beside its error code."""
    error, *values = answer
    if error:
        raise RuntimeError(f"CUDA: {error.name}")
    return values[0] if values else None
