"""The random words of the portable stream: Philox4x64-10, keyed and counted as NumPy's.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from arrayinit.stream.seed import Key

Array = Any
Words = np.ndarray[Any, Any]

MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
ROUNDS = 10

# NumPy's generator takes a fifth of the time of array operations, but more for a run than the block that a short one
# needs. It makes runs of this many blocks or more, and shorter ones with all that lies between them where that is no
# more than this many times as much.
_LONG = 32
_DENSE = 4

# Generators between two uses: to set the state of one takes a tenth of the time that it takes to make one.
_idle: deque[np.random.Philox] = deque()

# Blocks made at once: what a cache holds.
_AT_ONCE = 1 << 14


def words(key: Key, stream: int, start: int, count: int, dtype: str) -> Words:
    """Return the words from ``start`` on: uint64, or uint32, the low half of each 64 bits first."""
    block, skip = divmod(start, per_block(dtype))
    drawn = _raw(key, stream, block, -(-(skip + count) // per_block(dtype)))
    return _typed(drawn, dtype)[skip : skip + count]


def box_words(
    key: Key, stream: int, shape: Sequence[int], corner: Sequence[int], size: Sequence[int], dtype: str
) -> Words:
    """Return the words of a box of a logical array, in C order; it begins at ``corner``."""
    axis, run = neighbours(shape, size)
    if math.prod(size[:axis]) == 1:
        place = 0
        for whole, index in zip(shape, corner, strict=True):
            place = place * whole + index
        return words(key, stream, place, run, dtype)
    starts = _starts(shape, corner, size[:axis])
    blocks, skips = np.divmod(starts, np.uint64(per_block(dtype)))
    count = -(-(int(skips.max()) + run) // per_block(dtype))
    taken = np.empty((len(starts), run), dtype)
    if count >= _LONG:
        # Python's numbers are read faster than those of arrays.
        for row, block, skip in zip(taken, blocks.tolist(), skips.tolist(), strict=True):
            row[:] = _typed(_raw(key, stream, block, count), dtype)[skip : skip + run]
        return taken.reshape(-1)
    rows = max(1, _AT_ONCE // count)
    for i in range(0, len(starts), rows):
        part = slice(i, i + rows)
        drawn, places = _blocks(key, stream, blocks[part], count)
        first = places * per_block(dtype) + skips[part].astype(np.intp)
        taken[part] = sliding_window_view(_typed(drawn, dtype), run)[first]
    return taken.reshape(-1)


def per_block(dtype: str) -> int:
    """Return the number of words of this dtype in a block of the counter."""
    return 4 if dtype == "uint64" else 8


def neighbours(shape: Sequence[int], size: Sequence[int]) -> tuple[int, int]:
    """Return from which axis on the elements of a box are neighbours in the logical array, and how many are."""
    axis, run, stride = len(shape), 1, 1
    while axis and run == stride:
        axis -= 1
        run *= size[axis]
        stride *= shape[axis]
    return axis, run


def _starts(shape: Sequence[int], corner: Sequence[int], size: Sequence[int]) -> Words:
    """Return where in the logical array the runs of neighbours begin, of which there are ``size`` along each axis."""
    starts = np.zeros(1, np.uint64)
    stride = 1
    for k in range(len(shape) - 1, -1, -1):
        places = np.arange(size[k] if k < len(size) else 1, dtype=np.uint64) + np.uint64(corner[k])
        starts = (places[:, None] * np.uint64(stride) + starts).reshape(-1)
        stride *= shape[k]
    return starts


def _blocks(key: Key, stream: int, firsts: Words, count: int) -> tuple[Words, Words]:
    """Return blocks of 64-bit words, among them ``count`` from each of ``firsts`` on, and which of them those are."""
    span = int(firsts[-1] - firsts[0]) + count
    if span <= _DENSE * len(firsts) * count:
        return _raw(key, stream, int(firsts[0]), span), (firsts - firsts[0]).astype(np.intp)
    counters = firsts[:, None] + np.arange(1, count + 1, dtype=np.uint64)
    return np.stack(philox(counters.reshape(-1), stream, key), axis=-1).reshape(-1), np.arange(len(firsts)) * count


def _raw(key: Key, stream: int, block: int, count: int) -> Words:
    """Return the 64-bit words of ``count`` blocks, as NumPy's generator draws them."""
    try:
        generator = _idle.pop()
    except IndexError:
        generator = np.random.Philox(0)
    state: Any = {
        "bit_generator": "Philox",
        # It counts before it draws.
        "state": {"counter": (block, 0, 0, stream), "key": key},
        "buffer": (0,) * 4,
        "buffer_pos": 4,
        "has_uint32": 0,
        "uinteger": 0,
    }
    generator.state = state
    drawn: Words = generator.random_raw(4 * count)
    _idle.append(generator)
    return drawn


def _typed(drawn: Words, dtype: str) -> Words:
    """Return 64-bit words, or the halves of them, the low one first."""
    if dtype == "uint64":
        return drawn
    if sys.byteorder == "big":
        return drawn.byteswap().view(np.uint32).byteswap()
    return drawn.view(np.uint32)


def philox(counter: Array, stream: int, key: Key) -> list[Array]:
    """Return the four words of the blocks whose counters have ``counter``, an array of uint64, as their lowest word."""
    return rounds(counter, np.full(1, stream, np.uint64), round_keys(key))


def round_keys(key: Key) -> list[tuple[Words, Words]]:
    """Return the two words that each round takes of the key."""
    low, high = WEYL
    return [(_scalar((key.low + k * low) % 2**64), _scalar((key.high + k * high) % 2**64)) for k in range(ROUNDS)]


def rounds(counter: Array, stream: Array, keys: Iterable[tuple[Array, Array]]) -> list[Array]:
    """As `philox`, of what may be any library's arrays; ``stream`` has one element."""
    # Arrays of one element broadcast: the first rounds do not compute for each block what is the same for all.
    c = [counter, *np.zeros((2, 1), np.uint64), stream]
    for low, high in keys:
        (high0, low0), (high2, low2) = (_multiply(c[i], parts) for i, parts in zip((0, 2), _PARTS, strict=True))
        c = [high2 ^ c[1], low2, high0 ^ c[3], low0]
        c[0] ^= low
        c[2] ^= high
    return c


def _scalar(x: int) -> Words:
    # An array without axes: quicker than a scalar of NumPy's, and it may overflow without a warning.
    return np.array(x, np.uint64)


_PARTS = tuple(tuple(map(_scalar, (m, m % 2**32, m % 2**32 // 2, m >> 32))) for m in MULTIPLIERS)
_LOW, _1, _31, _32 = map(_scalar, (2**32 - 1, 1, 31, 32))


def _multiply(a: Array, parts: Sequence[Words]) -> tuple[Array, Array]:
    """Return both halves of the 128-bit product, through 32-bit halves: XLA's partitioner does not know its own.

    In place where the library can: NumPy's time is that of the memory.
    """
    b, b0, half, b1 = parts
    a0, a1 = a & _LOW, a >> _32
    # a1 b0 + a0 b1 + (a0 b0 >> 32) may have 65 bits. Half of it has not, and b0 is odd: a1 b0 = a1 + 2 a1 half.
    middle = a0 * b0
    middle >>= _32
    middle += a1
    a0 *= b1
    middle += a0
    middle >>= _1
    middle += a1 * half
    middle >>= _31
    a1 *= b1
    a1 += middle
    return a1, a * b
