"""The geometry of boxes: merge axes, and cut a box into smaller boxes of bounded size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

Index = tuple[slice, ...]


def whole_index(shape: Sequence[int]) -> Index:
    """Return the index of a whole array of this shape."""
    return tuple(slice(0, size) for size in shape)


def boxes(shape: Sequence[int], limit: int) -> Iterator[Index]:
    """Cut an array into boxes of at most ``limit`` elements, in C order, each long along the last axes."""
    if 0 < math.prod(shape) <= limit:
        yield whole_index(shape)
        return
    steps, room = [], limit
    for size in reversed(shape):
        steps.append(_even(size, max(1, min(size, room))))
        room //= max(1, steps[-1])
    ranges = (range(0, size, step) for size, step in zip(shape, reversed(steps), strict=True))
    for corner in product(*ranges):
        yield tuple(
            slice(first, min(first + step, size))
            for first, step, size in zip(corner, reversed(steps), shape, strict=True)
        )


def _even(size: int, limit: int) -> int:
    """Return the step that cuts ``size`` into the fewest parts of at most ``limit``, as equal as possible."""
    return -(-size // -(-size // limit)) if size else 1


def c_strides(shape: Sequence[int]) -> list[int]:
    """Return the strides of a C-contiguous array of this shape, in elements."""
    return [math.prod(shape[k + 1 :]) for k in range(len(shape))]


def position(shape: Sequence[int], corner: Sequence[int]) -> int:
    """Return the logical index of the element at ``corner``."""
    return sum(k * stride for k, stride in zip(corner, c_strides(shape), strict=True))


def merged(
    box: np.ndarray[Any, Any], shape: Sequence[int], corner: Sequence[int]
) -> tuple[np.ndarray[Any, Any], list[int], list[int]]:
    """Return the box, the logical shape and the corner. Axes that are contiguous in both are merged into one."""
    sizes, _, wholes, firsts = merged_axes(box.shape, box.strides, shape, corner)
    # This is a view: merged axes are contiguous in memory too. A subclass may override reshape.
    return np.asarray(box).reshape(sizes), wholes, firsts


def merged_axes(
    sizes: Sequence[int], strides: Sequence[int], shape: Sequence[int], corner: Sequence[int]
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Return sizes, strides, logical shape and corner of such a box after the same merge."""
    joined, steps, wholes, firsts = [1], [0], [1], [0]
    for size, stride, whole, first in zip(sizes, strides, shape, corner, strict=True):
        runs_on = size == whole and (joined[-1] == 1 or steps[-1] == size * stride)
        if runs_on:
            joined[-1] *= size
            steps[-1] = stride
            wholes[-1] *= whole
            firsts[-1] *= whole
        else:
            joined.append(size)
            steps.append(stride)
            wholes.append(whole)
            firsts.append(first)
    return joined, steps, wholes, firsts


def neighbours(shape: Sequence[int], size: Sequence[int]) -> tuple[int, int]:
    """Return the first axis from which the elements of a box are neighbours in the logical array, and their number."""
    axis, run, stride = len(shape), 1, 1
    while axis and run == stride:
        axis -= 1
        run *= size[axis]
        stride *= shape[axis]
    return axis, run


def run_starts(shape: Sequence[int], corner: Sequence[int], size: Sequence[int]) -> np.ndarray[Any, Any]:
    """Return the logical index at which each run of neighbours begins; ``size`` counts the runs along each axis."""
    starts = np.zeros(1, np.uint64)
    stride = 1
    for k in range(len(shape) - 1, -1, -1):
        positions = np.arange(size[k] if k < len(size) else 1, dtype=np.uint64) + np.uint64(corner[k])
        starts = (positions[:, None] * np.uint64(stride) + starts).reshape(-1)
        stride *= shape[k]
    return starts
