"""The portable stream for CuPy: values are generated on the device, without a host synchronization."""

from __future__ import annotations

from functools import cache
from typing import Any

import cupy
import numpy as np

from arrayinit.kernels.cuda import THREADS, launch, pack_key, source
from arrayinit.kernels.cuda_steps import cuda_steps
from arrayinit.kernels.draw import Draw
from arrayinit.stream.ops import Array
from arrayinit.stream.program import KEYS_PROGRAM, Program, Recorded
from arrayinit.stream.seed import Key

# The number of elements whose keys are sorted at once.
_SORTED = 1 << 22

# A program that returns the words themselves.
_KEYS = Recorded(KEYS_PROGRAM, ())


def fill_device(x: Array, draw: Draw) -> None:
    """Fill the whole array, on the current device and stream."""
    if not x.size:
        return
    logical, key = x.transpose(draw.order), draw.seed.key()
    _run(logical, cuda_steps(draw.distribution, draw.dtype), draw.dtype.name, key, draw.shape)
    if draw.zeros:
        _clear_columns(logical, draw.zeros, key)


def _run(
    out: Array, made: Recorded, dtype: str, key: Key, shape: tuple[int, ...], corner: tuple[int, ...] | None = None
) -> None:
    fitted = launch(made, out.shape, out.strides, shape, corner or (0,) * len(shape))
    kernel = _kernel(made.program, dtype)
    kernel((fitted.grid,), (THREADS,), (out, *map(_by_value, (pack_key(key), fitted.box, fitted.numbers))))


def _by_value(struct: bytes) -> np.ndarray[Any, Any]:
    """Return a struct as an array of one element, which CuPy passes by value."""
    return np.frombuffer(struct, f"V{len(struct)}")


@cache
def _kernel(program: Program, dtype: str) -> Any:
    # CuPy compiles the kernel at its first use on each device.
    return cupy.RawKernel(source(program, dtype), "draw")


def _clear_columns(matrix: Array, count: int, key: Key) -> None:
    """Clear elements as `arrayinit.kernels.subsets.clear_columns` does."""
    rows, columns = matrix.shape
    step = max(1, _SORTED // rows)
    for first in range(0, columns, step):
        part = matrix[:, first : first + step]
        keys = cupy.empty((part.shape[1], rows), "uint32")
        _run(keys, _KEYS, "uint32", key, (columns, rows), (first, 0))
        packed = keys.astype("uint64")
        packed *= rows
        packed += cupy.arange(rows, dtype="uint64")
        last = cupy.sort(packed, axis=-1)[:, count - 1 : count]
        cupy.copyto(part, 0, where=(packed <= last).T)
