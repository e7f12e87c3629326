"""The portable stream for tensors, also as one operator that is opaque to torch.compile and FakeTensor."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import torch

from arrayinit.backends import first_use
from arrayinit.backends._torch.memory import fill_memory, is_wrapped
from arrayinit.backends._torch.narrow import store
from arrayinit.core.distributions import Disk, Normal, TruncatedComplexNormal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import Key, Seed

_DISTRIBUTIONS = {kind.__name__: kind for kind in (Uniform, Normal, TruncatedNormal, Disk, TruncatedComplexNormal)}


def write(x: torch.Tensor, draw: Draw, corner: Sequence[int] | None = None) -> None:
    """Fill a tensor on any device, or the box of the array that begins at ``corner``. The tensor must have memory."""
    if fill_memory(x, draw, corner):
        return
    bare = x.detach()
    kernels = _kernels(x)
    if kernels is not None and is_wrapped(bare):
        # torch passes the tensor with memory to the operator.
        apply(bare, draw, corner or ())
    elif kernels is None or _is_right(kernels, x, draw) is False:
        for index, chunk in draw.chunks(tuple(x.shape), draw.dtype.name, corner):
            store(bare[index], torch.from_numpy(chunk))
    elif x.is_neg() or x.is_conj():
        values = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        kernels.fill_device(values, draw, corner)
        bare.copy_(values)
    else:
        kernels.fill_device(bare, draw, corner)
        torch.autograd.graph.increment_version(x)


def launcher(x: torch.Tensor, draw: Draw) -> tuple[Callable[[torch.Tensor, Key], None] | None, bool]:
    """Return what fills tensors like ``x`` on a GPU, if kernels do, and whether they have been checked."""
    kernels = _kernels(x)
    found = None if kernels is None else _is_right(kernels, x, draw)
    if kernels is None or found is False:
        return None, True
    return kernels.launcher(x, draw), found is True


def _kernels(x: torch.Tensor) -> Any | None:
    """Return the module with kernels for the device of a tensor, or None."""
    if not x.is_cuda or x.layout is not torch.strided or first_use.choice() == "host":
        return None
    return _on_gpu(x.get_device())


@cache
def _on_gpu(device: int) -> Any | None:
    """Return the first module whose kernels can be compiled for a GPU: of CUDA C++, or of Triton."""
    for name in ("_cuda_torch", "_triton_launch"):
        try:
            kernels = import_module(f"arrayinit.kernels.{name}")
            kernels.check(device)
        except ImportError:
            continue
        except (OSError, RuntimeError, subprocess.SubprocessError):
            # Nothing may be loaded while a CUDA graph is captured, which is not to be remembered.
            if torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing():
                raise
            continue
        return kernels
    return None


def _is_right(kernels: Any, x: torch.Tensor, draw: Draw) -> bool | None:
    """Whether the kernels give a draw the bits of the host, as `first_use.is_right`."""
    device = x.get_device()

    def sample(small: Draw) -> bytes | None:
        with torch.cuda.device(device):
            # Nothing may wait while a CUDA graph is captured, nor where torch is told to complain of it.
            if torch.cuda.is_current_stream_capturing() or torch.cuda.get_sync_debug_mode():
                return None
            try:
                values = torch.empty(small.shape, dtype=x.dtype, device=x.device)
                # The zeros of sparse_ take memory too.
                kernels.fill_device(values, small)
                memory: bytes = values.view(torch.uint8).cpu().numpy().tobytes()
            except torch.OutOfMemoryError:
                return None
            return memory

    return first_use.is_right(f"{kernels.NAME} on cuda:{device}", draw, sample)


def apply(x: torch.Tensor, draw: Draw, corner: Sequence[int] = ()) -> None:
    """Fill a tensor through the operator, which takes tensors, numbers and strings."""
    parameters = [parameter for parameter in draw.distribution if parameter is not None]
    entropy, spawn_key, pool_size = draw.seed
    _portable(
        x,
        type(draw.distribution).__name__,
        parameters,
        _words(entropy),
        _words(spawn_key),
        pool_size,
        draw.dtype.name,
        list(draw.shape),
        list(draw.order),
        draw.zeros,
        list(corner),
    )


def _words(numbers: Sequence[int]) -> list[int]:
    """Split numbers that do not fit an operator's integers into 32-bit words, as a SeedSequence does."""
    words = []
    for number in numbers:
        rest = number
        while rest >= 1 << 63:
            words.append(rest & 0xFFFFFFFF)
            rest >>= 32
        words.append(rest)
    return words


@torch.library.custom_op("arrayinit::portable", mutates_args={"x"})  # type: ignore[untyped-decorator]
def _portable(
    x: torch.Tensor,
    kind: str,
    parameters: Sequence[float],
    entropy: Sequence[int],
    spawn_key: Sequence[int],
    pool_size: int,
    form: str,
    shape: Sequence[int],
    order: Sequence[int],
    zeros: int,
    corner: Sequence[int],
) -> None:
    seed = Seed(tuple(entropy), tuple(spawn_key), pool_size)
    write(x, Draw(_DISTRIBUTIONS[kind](*parameters), seed, FORMATS[form], tuple(shape), tuple(order), zeros), corner)


@_portable.register_fake  # type: ignore[untyped-decorator]
def _(*_: object) -> None:
    """Do nothing: a fake tensor has no memory."""


@_portable.register_vmap  # type: ignore[untyped-decorator]
def _(_: object, axes: Sequence[Any], x: torch.Tensor, *rest: Any) -> tuple[None, None]:
    """Give every slice the same values."""
    slices = x.movedim(axes[0], 0)
    _portable(slices[0], *rest)
    slices[1:].copy_(slices[0])
    return None, None
