"""The first day without a GPU: each step with a stand-in for its device, at small sizes.

The driver is a stub that runs the kernels as C++ on the host. Tensors of the CPU stand in for torch's on a GPU, NumPy
for CuPy, and JAX's programs run on the CPU. So every line runs, and no figure means anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from fake_cuda import Driver
from programs import CASES

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels import _nvrtc
from arrayinit.kernels.cuda import source
from arrayinit.kernels.cuda_steps import cuda_steps
from arrayinit.stream.program import KEYS_PROGRAM
from first_day import arithmetic, pipes
from first_day.steps import Size

LAWS = ("normal", "uniform")
DTYPES = ("float32", "bfloat16")

# The rows of the benchmark run on the CPU, for one law.
_BENCHMARK = ("--device", "cpu", "--largest", "8", "--side", "16", "--rounds", "1")
_ROWS = r"^torch CPU 2\^3, float32, seed: normal_"


def small(size: Size) -> Size:
    """Return sizes that a host computes in a second."""
    return size._replace(
        binade=1 << 9,
        stride=1 << 17,
        elements=5000,
        elements_of_others=3000,
        elements_of_jax=3000,
        loops=2,
        calls=2,
        laws=LAWS,
        benchmark=(*_BENCHMARK, "--only", _ROWS),
        tests=size.tests or ("tests/core/test_core.py", "-k", "fans", "-p", "no:cacheprovider"),
        libraries=("numpy", "torch:cuda"),
    )


@cache
def driver() -> Driver:
    """Return the stub, which knows the kernels of the measurements and of a few laws."""
    made = Driver()
    laws = (
        source(cuda_steps(law, FORMATS[dtype]).program, dtype)
        for name, law, dtype in CASES
        if name in LAWS and dtype in DTYPES
    )
    measured = (arithmetic.RECIPROCAL, arithmetic.ROOT, arithmetic.QUOTIENT, *pipes.PIPES.values())
    made.runs([*measured, *laws, source(KEYS_PROGRAM, "uint32")])
    return made


@contextmanager
def without_gpu(library: str = "") -> Iterator[Callable[[Size], Size]]:
    """Put stand-ins in the place of the driver, and of one library. Yield what makes sizes small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_nvrtc, "compiled", driver().compiled)
        patch.setattr(_nvrtc, "best_architecture", lambda _: 90)
        # Steps set variables of their own processes.
        patch.setattr(os, "environ", os.environ.copy())
        patch.setattr("first_day.bits.CASES", [case for case in CASES if case[2] in DTYPES])
        patch.setattr("first_day.pipes.CASES", [case for case in CASES if case[2] in DTYPES])
        _STAND_INS.get(library, _torch)(patch)
        yield small
    _forget()


def _forget() -> None:
    """Let torch's next tensor ask anew which kernels there are."""
    from arrayinit.backends._torch import custom_op
    from arrayinit.kernels import _cuda_torch

    for cached in (_cuda_torch._function, _cuda_torch._architecture, custom_op._on_gpu):
        cached.cache_clear()


def _torch(patch: pytest.MonkeyPatch) -> None:
    import torch
    from torch_on_cuda import stand_in

    stand_in(patch, driver())
    patch.setattr(torch.cuda, "is_available", lambda: True)
    patch.setattr(torch.cuda, "synchronize", lambda: None)
    empty = torch.empty

    def on_cpu(*shape: Any, device: str = "cpu", **options: Any) -> torch.Tensor:
        return empty(*shape, device="cpu" if device == "cuda" else device, **options)

    patch.setattr(torch, "empty", on_cpu)


def _cupy(patch: pytest.MonkeyPatch) -> None:
    import cupy_on_numpy
    from cupy_stand_in import put_in_place

    patch.setattr(cupy_on_numpy, "kernels", lambda: driver().kernels)
    package = put_in_place(patch)
    package.__version__ = "14.2.0"
    package.cuda.runtime.getDeviceCount = lambda: 1


def _jax(patch: pytest.MonkeyPatch) -> None:
    import jax

    from arrayinit.backends._jax import sharding
    from arrayinit.kernels import xla_boxes

    patch.setattr(sharding, "is_on_host", lambda _: False)
    patch.setattr(xla_boxes, "SIZES", (16, 256))
    devices = jax.devices
    patch.setattr(jax, "devices", lambda kind=None: devices("cpu" if kind == "gpu" else kind))


_STAND_INS = {"torch:cuda": _torch, "cupy": _cupy, "jax:gpu": _jax}
