"""How a kernel of `cuda_source` is fitted to a box of a logical array: all that is known only when it runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from arrayinit.random.boxes import merged_axes
from arrayinit.random.cuda_source import AXES
from arrayinit.random.program import Traced
from arrayinit.random.seeds import Key
from arrayinit.random.words import neighbours, per_block

THREADS = 256
"""Threads to a block of the grid."""

_BOX = np.dtype(
    [(name, "u8") for name in ("low", "high", "first", "rows", "blocks", "run")]
    + [("outer", "i4"), ("axes", "i4"), ("size", "u8", AXES), ("apart", "u8", AXES), ("stride", "i8", AXES)]
)


class Launch(NamedTuple):
    """How many blocks of the grid a kernel needs, and what it takes, by value, after the memory to be filled."""

    grid: int
    box: np.ndarray[Any, Any]
    numbers: np.ndarray[Any, Any]


def launch(
    draw: Traced, key: Key, sizes: Sequence[int], strides: Sequence[int], shape: Sequence[int], corner: Sequence[int]
) -> Launch:
    """Fit the kernel of a program to a box, not empty, that begins at ``corner`` of a logical array of this ``shape``.

    ``strides`` are those of the memory, in bytes, of either sign.
    """
    words = per_block(draw.program.word)
    sizes, strides, wholes, firsts = merged_axes(sizes, strides, shape, corner)
    outer, run = neighbours(wholes, sizes)
    # Each row of neighbours may begin anywhere in a block.
    rows, blocks = math.prod(sizes[:outer]), (run + 2 * (words - 1)) // words
    apart = [math.prod(wholes[k + 1 :]) for k in range(len(wholes))]
    first = sum(i * step for i, step in zip(firsts, apart, strict=True))
    axes = ([*values, *[0] * (AXES - len(values))] for values in (sizes, apart, strides))
    box = np.array((*key, first, rows, blocks, run, outer, len(sizes), *axes), _BOX)
    numbers = draw.numbers or (0.0,)
    real = "f8" if words == 4 else "f4"
    return Launch(-(-rows * blocks // THREADS), box, np.array((numbers,), [("value", real, len(numbers))]))
