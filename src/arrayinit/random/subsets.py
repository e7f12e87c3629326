"""Random subsets without a loop: one random key to an element, and the smallest keys are chosen."""

from __future__ import annotations

from typing import Any

Array = Any

KEY_BITS = 16


def pack(xp: Any, keys: Array) -> Array:
    """Join keys, of shape (columns, rows), with their row numbers: one integer that selects and remembers.

    The row also breaks ties. With 16 bits to a key that moves no row's chance of being chosen by more than 2^-16.
    """
    rows = keys.shape[1]
    dtype = xp.int32 if rows <= 1 << (31 - KEY_BITS) else xp.int64
    packed = xp.astype(keys, dtype)
    packed *= rows
    packed += xp.arange(rows, dtype=dtype, device=keys.device)
    return packed


def unpack(xp: Any, chosen: Array, rows: int) -> tuple[Array, Array]:
    """Return row and column indices, each (count, columns), of the chosen."""
    index = xp.astype(xp.permute_dims(chosen, (1, 0)) % rows, xp.int64)
    return index, xp.broadcast_to(xp.arange(index.shape[1], device=index.device), index.shape)
