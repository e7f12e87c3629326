"""Random subsets without a sort: each element has a random key, and the smallest keys of each column are chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from arrayinit.kernels.threads import spread
from arrayinit.kernels.words import words
from arrayinit.stream.philox import KEYS
from arrayinit.stream.seed import Key

KEY_BITS = 16
"""Bits of a native generator's key. The row breaks ties, which changes a row's chance by at most 2^-16."""

# Elements processed at once: as many as fit a cache.
_BLOCK = 1 << 17

# A column of more rows is processed in parts.
_TALL = 1 << 18

Host = np.ndarray[Any, Any]


def smallest(keys: Host, count: int) -> Host:
    """Return the row numbers of the smallest keys, shape (count, columns); ``keys`` has the shape (columns, rows).

    The row breaks ties.
    """
    columns, rows = keys.shape
    dtype = np.int32 if rows <= 1 << (31 - KEY_BITS) else np.int64
    chosen = np.empty((columns, count), np.int64)
    step = max(1, _BLOCK // rows)
    for start in range(0, columns, step):
        block = slice(start, start + step)
        packed = _packed(keys[block], dtype)
        packed.partition(count - 1, axis=-1)
        chosen[block] = packed[:, :count] % rows
    return chosen.T


def _packed(keys: Host, dtype: Any) -> Host:
    """Pack key and row number into one sortable integer; ``keys`` has the shape (columns, rows)."""
    rows = keys.shape[1]
    packed = keys.astype(dtype)
    packed *= dtype(rows)
    packed += np.arange(rows, dtype=dtype)
    return packed


def _chosen(keys: Host, count: int) -> Host:
    """Return the mask of the keys up to the ``count``-th of each column, which are more if some are equal to it."""
    chosen: Host = keys <= np.partition(keys, count - 1, axis=-1)[:, count - 1 : count]
    return chosen


def clear_columns(box: Host, corner: Sequence[int], rows: int, count: int, key: Key) -> None:
    """Set the ``count`` elements with the smallest keys of each column to zero, in a box of a matrix.

    The key of row i of column j is word j * rows + i of its stream; the row breaks ties.
    """
    height, width = box.shape
    inside = slice(corner[0], corner[0] + height)

    def work(columns: range) -> None:
        first, number = corner[1] + columns.start, len(columns)
        keys = words(key, KEYS, first * rows, number * rows, "uint32").reshape(number, rows)
        chosen = _chosen(keys, count)
        if np.count_nonzero(chosen) > number * count:
            # Some rows have one key.
            chosen = _chosen(_packed(keys, np.uint64), count)
        np.copyto(box[:, columns.start : columns.stop], 0, where=chosen.T[inside])

    if rows > _TALL:
        spread(lambda j: _clear_column(box[:, j], inside, (corner[1] + j) * rows, rows, count, key), range(width))
        return
    step = max(1, _BLOCK // rows)
    spread(work, [range(width)[i : i + step] for i in range(0, width, step)])


def _clear_column(column: Host, inside: slice, start: int, rows: int, count: int, key: Key) -> None:
    """Clear one column, whose words begin at ``start``, in memory that does not grow with the column."""
    # Find the count-th key 16 bits at a time: count how many keys have each value of these bits.
    last, before = 0, 0
    for shift in (16, 0):
        found = np.zeros(1 << 16, np.int64)
        for _, keys in _keys(key, start, rows):
            same = keys if shift else keys[keys >> 16 == last >> 16]
            found += np.bincount(same >> shift & 0xFFFF, minlength=1 << 16)
        upto = before + np.cumsum(found)
        digit = int(np.searchsorted(upto, count))
        before = int(upto[digit] - found[digit])
        last |= digit << shift
    # Among the keys equal to the count-th key, clear the first rows.
    equal = count - before
    for first, keys in _keys(key, start, inside.stop):
        ties = np.cumsum(keys == last)
        clear = (keys < last) | ((keys == last) & (ties <= equal))
        equal -= int(ties[-1])
        skip = max(0, inside.start - first)
        if skip < len(keys):
            np.copyto(column[first + skip - inside.start :][: len(keys) - skip], 0, where=clear[skip:])


def _keys(key: Key, start: int, stop: int) -> Iterator[tuple[int, Host]]:
    for row in range(0, stop, _BLOCK):
        yield row, words(key, KEYS, start + row, min(_BLOCK, stop - row), "uint32")
