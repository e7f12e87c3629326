"""The random words of the portable stream on the host, drawn by NumPy's own Philox generator."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from arrayinit.kernels import compiled
from arrayinit.stream.box import neighbours, position, run_starts
from arrayinit.stream.philox import KEYS, WORDS_PER_BLOCK, Words, philox
from arrayinit.stream.seed import Key

# NumPy's generator takes a fifth of the time of array operations, but starting it costs more than a short run.
# It generates runs of _LONG blocks or more. It also generates shorter runs, with the gaps between them, if that takes
# at most _DENSE times as many blocks as the runs.
_LONG = 32
_DENSE = 4

# Idle generators. Setting the state of a generator takes a tenth of the time of creating one.
_idle: deque[np.random.Philox] = deque()

# Blocks generated at once: as many as fit a cache.
_AT_ONCE = 1 << 14


def words(key: Key, stream: int, start: int, count: int, dtype: str) -> Words:
    """Return the words from ``start`` on, as uint64, or as uint32 with the low half of each 64 bits first."""
    law = compiled.keys_law() if stream == KEYS else None
    if law is not None:
        keys = np.empty(count, np.uint32)
        compiled.fill(law, key, keys, (1 << 63,), (start,))
        return keys
    block, skip = divmod(start, WORDS_PER_BLOCK[dtype])
    drawn = _raw(key, stream, block, -(-(skip + count) // WORDS_PER_BLOCK[dtype]))
    return _typed(drawn, dtype)[skip : skip + count]


def box_words(
    key: Key, stream: int, shape: Sequence[int], corner: Sequence[int], size: Sequence[int], dtype: str
) -> Words:
    """Return the words, in C order, of the box that begins at ``corner`` of a logical array."""
    axis, run = neighbours(shape, size)
    if math.prod(size[:axis]) == 1:
        return words(key, stream, position(shape, corner), run, dtype)
    starts = run_starts(shape, corner, size[:axis])
    blocks, skips = np.divmod(starts, np.uint64(WORDS_PER_BLOCK[dtype]))
    count = -(-(int(skips.max()) + run) // WORDS_PER_BLOCK[dtype])
    taken = np.empty((len(starts), run), dtype)
    if count >= _LONG:
        # Python integers are read faster than array elements.
        for row, block, skip in zip(taken, blocks.tolist(), skips.tolist(), strict=True):
            row[:] = _typed(_raw(key, stream, block, count), dtype)[skip : skip + run]
        return taken.reshape(-1)
    rows = max(1, _AT_ONCE // count)
    for i in range(0, len(starts), rows):
        part = slice(i, i + rows)
        drawn, positions = _blocks(key, stream, blocks[part], count)
        first = positions * WORDS_PER_BLOCK[dtype] + skips[part].astype(np.intp)
        taken[part] = sliding_window_view(_typed(drawn, dtype), run)[first]
    return taken.reshape(-1)


def _blocks(key: Key, stream: int, firsts: Words, count: int) -> tuple[Words, Words]:
    """Return the words of ``count`` blocks from each of ``firsts`` on, and the position of each first block."""
    span = int(firsts[-1] - firsts[0]) + count
    if span <= _DENSE * len(firsts) * count:
        return _raw(key, stream, int(firsts[0]), span), (firsts - firsts[0]).astype(np.intp)
    counters = firsts[:, None] + np.arange(1, count + 1, dtype=np.uint64)
    return np.stack(philox(counters.reshape(-1), stream, key), axis=-1).reshape(-1), np.arange(len(firsts)) * count


def _raw(key: Key, stream: int, block: int, count: int) -> Words:
    """Return the 64-bit words of ``count`` blocks, drawn by NumPy's generator."""
    try:
        generator = _idle.pop()
    except IndexError:
        generator = np.random.Philox(0)
    state: Any = {
        "bit_generator": "Philox",
        # The generator increments the counter before it draws.
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
    """Return 64-bit words, or their 32-bit halves, the low half first."""
    if dtype == "uint64":
        return drawn
    if sys.byteorder == "big":
        return drawn.byteswap().view(np.uint32).byteswap()
    return drawn.view(np.uint32)
