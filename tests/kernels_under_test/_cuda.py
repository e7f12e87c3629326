"""CUDA's kernels, compiled for the host by g++; and what CuPy does with them, with NumPy in CuPy's place."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import cupy_on_numpy
import numpy as np
from cuda_on_host import kernels

import arrayinit
from arrayinit.kernels.cuda import launch, source
from arrayinit.kernels.cuda_steps import cuda_steps
from arrayinit.kernels.draw import Draw
from kernels_under_test.kernel import Kernel


def _by_cuda(draw: Draw, x: np.ndarray, corner: list[int]) -> None:
    box, made = x.transpose(draw.order), cuda_steps(draw.distribution, draw.dtype)
    first = [corner[k] for k in draw.order]
    kernels().run(
        source(made.program, draw.dtype.name),
        box,
        draw.seed.key(),
        launch(made, box.shape, box.strides, draw.shape, first),
    )


def _with_numpy() -> ModuleType:
    spec = spec_from_file_location("kernels_of_cupy_on_numpy", Path(arrayinit.__file__).parent / "kernels/_cupy.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    with patch.dict(sys.modules, {"cupy": cupy_on_numpy.cupy()}):
        spec.loader.exec_module(module)
    return module


CUPY = _with_numpy()


def _by_cupy(draw: Draw, x: np.ndarray, _: list[int]) -> None:
    with cupy_on_numpy.DEVICE:
        CUPY.fill_device(x.view(cupy_on_numpy.Array), draw)


KERNELS = {
    "CUDA": Kernel("numpy", _by_cuda, "far boxes", 400, has_zeros=False, has_negative_strides=True, takes_empty=False),
    "CUDA, by CuPy": Kernel(
        "numpy",
        _by_cupy,
        "whole arrays",
        100,
        {f"{__name__}.CUPY._SORTED": (1 << 22, 500, 1)},
        dtypes=("float16", "float32", "float64", "complex64", "complex128"),
        has_negative_strides=True,
    ),
}
