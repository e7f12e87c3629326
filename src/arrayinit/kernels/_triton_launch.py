"""The portable stream on GPUs by Triton kernels, without a transfer or a synchronization with the host."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import triton

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels._triton import TILE, kernel
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.rounding import BEYOND_NUMPY
from arrayinit.stream.box import boxes, c_strides, merged_axes, neighbours, position
from arrayinit.stream.philox import KEYS, WORDS_PER_BLOCK
from arrayinit.stream.program import Program, Recorded, Step, recorded
from arrayinit.stream.seed import Key

# The most elements of one launch: a kernel counts them in 32 bits.
_AT_ONCE = 1 << 30

# The most keys in memory at once, 8 bytes each.
_HELD = 1 << 24

_INTEGERS = {getattr(torch, name): getattr(torch, f"int{FORMATS[name].bits}") for name in BEYOND_NUMPY}

# The keys of `_clear_columns`, unsorted.
_KEYS = Recorded(Program((Step("word", "uint32", (KEYS,)), Step("convert", "int64", (0,))), (1,)), ())


def check() -> None:
    """Raise unless kernels can be compiled and launched here. Triton needs a C compiler."""
    target: Any = triton.runtime.driver.active.get_current_target()
    # How Triton rounds on other backends is not known, and Triton does not support older GPUs.
    if target.backend != "cuda" or target.arch < 70:
        raise RuntimeError(f"no kernels for {target}")


def fill_device(x: torch.Tensor, draw: Draw, corner: Sequence[int] | None = None) -> None:
    """Fill the memory of a tensor, or of the box of the array that begins at ``corner``."""
    corner = corner or [0] * x.ndim
    box, first = x.permute(draw.order), [corner[k] for k in draw.order]
    if not box.numel():
        return
    key = draw.seed.key()
    with torch.accelerator.device_index(x.device.index):
        _fill(box, recorded(draw.distribution, draw.dtype), key, draw.shape, first)
        if draw.zeros:
            _clear_columns(box, first, draw.shape[0], draw.zeros, key)


def _fill(box: torch.Tensor, draw: Recorded, key: Key, shape: Sequence[int], corner: Sequence[int]) -> None:
    sizes, strides, whole, first = merged_axes(box.shape, box.stride(), shape, corner)
    view = box.as_strided(sizes, strides)
    for index in boxes(sizes, _AT_ONCE):
        _launch(view[index], draw, key, whole, [k + side.start for k, side in zip(first, index, strict=True)])


def _launch(box: torch.Tensor, draw: Recorded, key: Key, shape: Sequence[int], corner: Sequence[int]) -> None:
    word = draw.program.word
    row = WORDS_PER_BLOCK[word]
    logical = c_strides(shape)
    start = position(shape, corner)
    axis, run = neighbours(shape, box.shape)
    # The largest offset of the first element of a run in its block.
    skip = row - 1 if any(distance % row for distance in logical[:axis]) else start % row
    runs, span = math.prod(box.shape[:axis]), -(-(skip + run) // row)

    parts = torch.view_as_real(box) if box.is_complex() else box
    axes = [sides for sides in zip(box.shape, logical, parts.stride(), strict=False) if sides[0] > 1]
    rank = 1 << max(0, len(axes) - 1).bit_length()
    axes = [(1, 0, 0)] * (rank - len(axes)) + axes
    real, integer = ("float64", "int64") if word == "uint64" else ("float32", "int32")
    bits = np.array(draw.numbers, real).view(integer).tolist()

    compiled = kernel(draw.program, str(parts.dtype).removeprefix("torch."), rank, one_run=runs == 1)
    compiled[(-(-runs * span // TILE),)](
        _bits(parts),
        *key,
        start,
        runs,
        run,
        span,
        *(number for sides in axes for number in sides),
        *bits,
        TILE=TILE,
        enable_fp_fusion=False,
    )


def _bits(x: torch.Tensor) -> torch.Tensor:
    """Return memory of a format that the kernels store as bits as integers; any other memory itself."""
    integer = _INTEGERS.get(x.dtype)
    return x if integer is None else x.view(integer)


def _clear_columns(matrix: torch.Tensor, corner: Sequence[int], rows: int, count: int, key: Key) -> None:
    """Clear elements as `arrayinit.kernels.subsets.clear_columns` does."""
    height, width = matrix.shape
    step = max(1, _HELD // rows)
    for column in range(0, width, step):
        columns = matrix[:, column : column + step]
        keys = torch.empty((columns.shape[1], rows), dtype=torch.int64, device=matrix.device)
        start = (corner[1] + column) * rows
        _fill(keys.view(-1), _KEYS, key, [start + keys.numel()], [start])
        # The row breaks ties, so no two keys are equal. As signed integers, the keys of 2^32 rows fit.
        keys.sub_(1 << 31).mul_(rows).add_(torch.arange(rows, device=matrix.device))
        last = keys.topk(count, dim=1, largest=False, sorted=False).values.amax(dim=1, keepdim=True)
        _bits(columns).masked_fill_((keys <= last).T[corner[0] : corner[0] + height], 0)
