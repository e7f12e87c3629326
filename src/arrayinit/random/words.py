"""The random words of the portable stream: Philox4x64-10, keyed and counted as NumPy's.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from arrayinit.random.seeds import Key

Array = Any
Words = np.ndarray[Any, Any]

_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_ROUNDS = 10

# The words of a run this long, or longer, are made faster by NumPy's generator than by array operations.
_LONG = 2048


def words(key: Key, stream: int, start: int, count: int, dtype: str) -> Words:
    """Return the words from ``start`` on: uint64, or uint32, the low half of each 64 bits first."""
    block, skip = divmod(start, per_block(dtype))
    # The generator counts before it draws.
    counter = np.array((block, 0, 0, stream), np.uint64)
    generator = np.random.Philox(counter=counter, key=np.array(key, np.uint64))
    drawn: Words = generator.random_raw(-(-(skip + count) * 4 // per_block(dtype)))
    return (drawn if dtype == "uint64" else _halves(drawn))[skip : skip + count]


def box_words(
    key: Key, stream: int, shape: Sequence[int], corner: Sequence[int], size: Sequence[int], dtype: str
) -> Words:
    """Return the words of a box of a logical array, in C order; it begins at ``corner``."""
    starts, run = _runs(shape, corner, size)
    if len(starts) == 1:
        return words(key, stream, int(starts[0]), run, dtype)
    if run >= _LONG:
        return np.concatenate([words(key, stream, start, run, dtype) for start in starts.tolist()])
    block, skip = np.divmod(starts, np.uint64(per_block(dtype)))
    blocks = block[:, None] + np.arange(run // per_block(dtype) + 2, dtype=np.uint64)
    drawn = np.stack(philox(blocks + np.uint64(1), stream, key), axis=-1).reshape(len(starts), -1)
    drawn = drawn if dtype == "uint64" else _halves(drawn)
    index = skip[:, None].astype(np.intp) + np.arange(run)
    taken: Words = np.take_along_axis(drawn, index, axis=1)
    return taken.reshape(-1)


def per_block(dtype: str) -> int:
    """Return the number of words of this dtype in a block of the counter."""
    return 4 if dtype == "uint64" else 8


def _runs(shape: Sequence[int], corner: Sequence[int], size: Sequence[int]) -> tuple[Words, int]:
    """Return where in the logical array the runs of neighbours begin that a box is made of, and their length."""
    axis, run, stride = len(shape), 1, 1
    while axis and (run == stride):
        axis -= 1
        run *= size[axis]
        stride *= shape[axis]
    starts = np.zeros(1, np.uint64)
    stride = 1
    for k in range(len(shape) - 1, -1, -1):
        places = np.arange(1 if k >= axis else size[k], dtype=np.uint64) + np.uint64(corner[k])
        starts = (places[:, None] * np.uint64(stride) + starts).reshape(-1)
        stride *= shape[k]
    return starts, run


def _halves(drawn: Words) -> Words:
    # Both conversions do nothing on machines that store the low half first.
    return drawn.astype("<u8", copy=False).view("<u4").astype(np.uint32, copy=False)


def philox(counter: Array, stream: int, key: Key) -> list[Array]:
    """Return the four words of the blocks whose counters have ``counter``, an array of uint64, as their lowest word."""
    zero = counter ^ counter
    c = [counter, zero, zero, zero + np.uint64(stream)]
    k = list(key)
    for _ in range(_ROUNDS):
        products = [
            (_multiply_high(c[i], np.uint64(m)), c[i] * np.uint64(m)) for i, m in zip((0, 2), _MULTIPLIERS, strict=True)
        ]
        (high0, low0), (high2, low2) = products
        c = [high2 ^ c[1] ^ np.uint64(k[0]), low2, high0 ^ c[3] ^ np.uint64(k[1]), low0]
        k = [(word + step) % 2**64 for word, step in zip(k, _WEYL, strict=True)]
    return c


def _multiply_high(a: Array, b: np.uint64) -> Array:
    """Return the high half of the 128-bit product, through 32-bit halves: XLA's partitioner does not know its own."""
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    a0, a1, b0, b1 = a & low, a >> shift, b & low, b >> shift
    middle = a1 * b0 + (a0 * b0 >> shift)
    return a1 * b1 + (middle >> shift) + ((a0 * b1 + (middle & low)) >> shift)
