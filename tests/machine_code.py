"""The CUDA kernels of the draws, run as machine code."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from any_box import Case, Memory
from programs import CASES
from sass import Choices, Grid, Kernel, Machine, compiled_kernels

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.cuda import THREADS, launch, pack_key, source
from arrayinit.kernels.cuda_steps import cuda_steps
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import Seed

# The formats of 16 and 8 bits differ from float32 in the last step alone: these show its rounding, and its clipping.
OF_NARROW = ("uniform", "normal", "normal, overflowing", "central")


def chosen(dtypes: Iterable[str]) -> list[tuple[str, Distribution, str]]:
    """Return the draws of these dtypes that are run."""
    return [case for case in CASES if case[2] in dtypes and (not FORMATS[case[2]].is_narrow or case[0] in OF_NARROW)]


def need_compiler() -> None:
    """Skip the test without NVRTC."""
    if not find_spec("cuda") or not find_spec("cuda.bindings"):
        pytest.skip("cuda-bindings is not installed")


def compiled(sources: Iterable[str], architecture: int = 90) -> dict[str, Kernel]:
    """Return the kernels of some sources."""
    need_compiler()
    return compiled_kernels(sources, architecture)


def text(distribution: Distribution, dtype: str) -> str:
    """Return the source of the kernel that draws a distribution."""
    return source(cuda_steps(distribution, FORMATS[dtype]).program, dtype)


@cache
def kernels(dtype: str) -> dict[str, Kernel]:
    """Return the kernels of sm_90 that draw this dtype, by their sources."""
    return compiled(text(distribution, dtype) for _, distribution, _ in chosen([dtype]))


def kernel_of(draw: Draw) -> Kernel:
    """Return the kernel of a draw."""
    return kernels(draw.dtype.name)[text(draw.distribution, draw.dtype.name)]


def case(
    distribution: Distribution, dtype: str, size: tuple[int, ...], before: int = 0, step: int = 1, seed: int = 5
) -> Case:
    """Return a box that lies on each axis behind so many elements of the logical array, in memory with such steps."""
    axes, rank = tuple(range(len(size))), len(size)
    draw = Draw(distribution, Seed((seed,)), FORMATS[dtype], tuple(n + before for n in size), axes)
    return Case(draw, (before,) * rank, size, Memory(axes, (step,) * rank, (0,) * rank))


def check(
    given: Case,
    choices: Choices | None = None,
    kind: type[Machine] = Machine,
    message: str = "",
    kernel: Kernel | None = None,
) -> Machine:
    """Fill a box, compare it with the host's, and return the machine that has run."""
    machines: list[Machine] = []
    filled = given.filled(lambda *box: machines.append(run(*box, choices, kind, kernel=kernel)))
    np.testing.assert_array_equal(filled, given.expected(), err_msg=message)
    return machines[0]


def run(
    draw: Draw,
    x: np.ndarray[Any, Any],
    corner: Iterable[int],
    choices: Choices | None = None,
    kind: type[Machine] = Machine,
    blocks: int | None = None,
    kernel: Kernel | None = None,
) -> Machine:
    """Fill a box, whose axes and corner are in the order of the array to be filled, or its first blocks of threads."""
    box, made, first = x.transpose(draw.order), cuda_steps(draw.distribution, draw.dtype), list(corner)
    fitted = launch(made, box.shape, box.strides, draw.shape, [first[k] for k in draw.order])
    arguments = [pack_key(draw.seed.key()), fitted.box, fitted.numbers]
    return (kernel or kernel_of(draw)).launch(Grid(blocks or fitted.grid, THREADS), box, arguments, choices, kind)
