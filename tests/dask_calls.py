"""What the tests of Dask fill, and how they compare it with what NumPy has."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from portable_calls import TOLERANCE, same_bits

import arrayinit as ai

with suppress(ImportError):
    import dask.array as da

KERNEL, CHUNKS = (12, 5, 3, 4), ((7, 5), (2, 2, 1), (3,), (1, 3))
CHUNKINGS = {"uneven": (KERNEL, CHUNKS), "one element": ((4, 3, 2, 1), 1), "whole": (KERNEL, -1)}


def _counted(x: Any) -> Any:
    """Return other numbers for each element, in other chunks; of a size that may be unknown the first axis has all."""
    shape = tuple(KERNEL[0] if math.isnan(size) else size for size in x.shape)
    return da.linspace(-1, 1, math.prod(shape), chunks=100).reshape(shape)


FILLS = {
    "uniform_": lambda x, rng: ai.uniform_(x, -1, 2, rng=rng),
    "normal_": lambda x, rng: ai.normal_(x, 1, 2, rng=rng),
    "trunc_normal_": lambda x, rng: ai.trunc_normal_(x, rng=rng),
    "xavier_uniform_": lambda x, rng: ai.xavier_uniform_(x, rng=rng),
    "xavier_normal_": lambda x, rng: ai.xavier_normal_(x, rng=rng),
    "kaiming_uniform_": lambda x, rng: ai.kaiming_uniform_(x, layout="...IO", rng=rng),
    "kaiming_normal_": lambda x, rng: ai.kaiming_normal_(x, mode="fan_out", rng=rng),
    "variance_scaling_": lambda x, rng: ai.variance_scaling_(x, 2.0, "fan_avg", "uniform", rng=rng),
    "lecun_uniform_": lambda x, rng: ai.lecun_uniform_(x, rng=rng),
    "lecun_normal_": lambda x, rng: ai.lecun_normal_(x, layout="IO...", rng=rng),
    "orthogonal_": lambda x, rng: ai.orthogonal_(x, rng=rng),
    "delta_orthogonal_": lambda x, rng: ai.delta_orthogonal_(x, rng=rng),
    "sparse_": lambda x, rng: ai.sparse_(x[:, :, 0, 0], 0.6, rng=rng),
    "constant_": lambda x, _: ai.constant_(x, 3),
    "ones_": lambda x, _: ai.ones_(x),
    "zeros_": lambda x, _: ai.zeros_(x),
    "eye_": lambda x, _: ai.eye_(x[:, :, 0, 0]),
    "dirac_": lambda x, _: ai.dirac_(x, 2),
    "copy_": lambda x, _: ai.copy_(x, _counted(x)),
}
UNDRAWN = ("constant_", "ones_", "zeros_", "eye_", "dirac_", "copy_")
DRAWN = [name for name in FILLS if name not in UNDRAWN]


def need_distributed() -> None:
    """Skip the test where Dask's processes are not installed, unless libraries are asked for, of which Dask is one."""
    if not os.environ.get("ARRAYINIT_TEST_BACKENDS"):
        pytest.importorskip("distributed", reason="distributed is not installed")


def empty(dtype: str = "float32", shape: tuple[int, ...] = KERNEL, chunks: Any = CHUNKS) -> Any:
    return da.empty(shape, dtype=dtype, chunks=chunks)


def as_numpy(name: str, values: np.ndarray, rng: Any = 5) -> None:
    """Raise AssertionError unless these are the float32 values that NumPy has for this function."""
    shape = (*values.shape, 1, 1) if values.ndim == 2 else values.shape
    expected = FILLS[name](np.empty(shape, "float32"), rng)
    if "orthogonal" in name:
        # A worker's LAPACK may use another number of threads.
        np.testing.assert_allclose(values, expected, rtol=0, atol=TOLERANCE["float32"])
    else:
        same_bits(values, expected, "float32")
