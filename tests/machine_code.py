"""The CUDA kernels of the draws, run as machine code of sm_90."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from programs import CASES
from sass import Choices, Grid, Kernel, Machine, compiled_kernels

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.cuda import THREADS, launch, pack_key, source
from arrayinit.kernels.cuda_steps import cuda_steps
from arrayinit.kernels.draw import Draw

# The formats of 16 and 8 bits differ from float32 in the last step alone: these show its rounding, and its clipping.
OF_NARROW = ("uniform", "normal", "normal, overflowing", "central")


def chosen(dtypes: Iterable[str]) -> list[tuple[str, Distribution, str]]:
    """Return the draws of these dtypes that are run."""
    return [case for case in CASES if case[2] in dtypes and (not FORMATS[case[2]].is_narrow or case[0] in OF_NARROW)]


@cache
def kernels(dtype: str) -> dict[str, Kernel]:
    """Return the kernels that draw this dtype, by their sources."""
    if not find_spec("cuda") or not find_spec("cuda.bindings"):
        pytest.skip("cuda-bindings is not installed")
    draws = (cuda_steps(distribution, FORMATS[dtype]) for _, distribution, _ in chosen([dtype]))
    return compiled_kernels(source(draw.program, dtype) for draw in draws)


def kernel_of(draw: Draw) -> Kernel:
    """Return the kernel of a draw."""
    return kernels(draw.dtype.name)[source(cuda_steps(draw.distribution, draw.dtype).program, draw.dtype.name)]


def run(
    draw: Draw,
    x: np.ndarray[Any, Any],
    corner: Iterable[int],
    choices: Choices | None = None,
    kind: type[Machine] = Machine,
    blocks: int | None = None,
) -> Machine:
    """Fill a box, whose axes and corner are in the order of the array to be filled, or its first blocks of threads."""
    box, made, first = x.transpose(draw.order), cuda_steps(draw.distribution, draw.dtype), list(corner)
    fitted = launch(made, box.shape, box.strides, draw.shape, [first[k] for k in draw.order])
    arguments = [pack_key(draw.seed.key()), fitted.box, fitted.numbers]
    return kernel_of(draw).launch(Grid(blocks or fitted.grid, THREADS), box, arguments, choices, kind)
