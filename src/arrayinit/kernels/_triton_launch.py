"""The portable stream on GPUs by Triton kernels, without a transfer or a synchronization with the host."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import triton

from arrayinit.kernels._torch_columns import clear_columns, memory_of
from arrayinit.kernels._triton import TILE, kernel
from arrayinit.kernels.draw import Draw
from arrayinit.stream.box import boxes, c_strides, merged_axes, neighbours, position
from arrayinit.stream.philox import KEYS, WORDS_PER_BLOCK
from arrayinit.stream.program import Program, Recorded, Step, recorded
from arrayinit.stream.seed import Key

NAME = "Triton's kernel"

# The most elements of one launch: a kernel counts them in 32 bits.
_AT_ONCE = 1 << 30

# The keys of `clear_columns`, unsorted.
_KEYS = Recorded(Program((Step("word", "uint32", (KEYS,)), Step("convert", "int64", (0,))), (1,)), ())


def check(_: int) -> None:
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

            def keys(out: torch.Tensor, start: int) -> None:
                _fill(out.view(-1), _KEYS, key, [start + out.numel()], [start])

            clear_columns(box, first, draw.shape[0], draw.zeros, keys)


def launcher(_: torch.Tensor, draw: Draw) -> Callable[[torch.Tensor, Key], None]:
    """Return a function that fills tensors like this one, not empty, as a draw says."""
    made = recorded(draw.distribution, draw.dtype)

    def fill(x: torch.Tensor, key: Key) -> None:
        with torch.accelerator.device_index(x.device.index):
            _fill(x.detach().permute(draw.order), made, key, draw.shape, [0] * x.ndim)

    return fill


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
        memory_of(parts),
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
