"""What this process holds of an array, box by box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from arrayinit.backends.registry import backend_of
from arrayinit.kernels.fill import Host
from arrayinit.kernels.pieces import Cut


class Box(NamedTuple):
    """The values of a box of an array."""

    corner: tuple[int, ...]
    values: Host


def held(array: Any, communicate: bool) -> list[Box]:
    """Return the boxes of an array that this process holds; if processes communicate, the whole array."""
    if hasattr(array, "full_tensor"):
        if communicate:
            return held(array.full_tensor(), communicate)
        from arrayinit.backends._torch.dtensor import held_boxes

        return [Box(tuple(side.start for side in index), _on_host(part.detach())) for part, index in held_boxes(array)]
    if getattr(array, "is_fully_addressable", True) is False:
        return _of_processes(array, communicate)
    host = _on_host(array)
    return [Box((0,) * host.ndim, host)]


def _on_host(array: Any) -> Host:
    *_, host = backend_of(array).read(array)
    found: Host = host
    return found


def _of_processes(array: Any, communicate: bool) -> list[Box]:
    """Return the boxes of a JAX array of which other processes hold a part: all of it, or one of each shard here."""
    if communicate:
        from jax.experimental.multihost_utils import process_allgather

        whole = np.asarray(process_allgather(array, tiled=True))
        return [Box((0,) * whole.ndim, whole)]
    shards = {tuple(side.start or 0 for side in shard.index): shard for shard in array.addressable_shards}
    return [Box(corner, np.asarray(shard.data)) for corner, shard in shards.items()]


def by_piece(boxes: Sequence[Box], cut: Cut) -> list[list[Box]]:
    """Return what the boxes hold of each piece of the array."""
    found = cut.by_piece((box.values, box.corner, box.values.shape) for box in boxes)
    return [[Box(first, values[place]) for values, place, first in inside] for inside in found]


def joined(boxes: Sequence[Box], shape: tuple[int, ...]) -> tuple[Host, bool]:
    """Return the values of all boxes in one array, and whether these are the whole array, in its shape."""
    if len(boxes) == 1:
        return boxes[0].values, boxes[0].values.shape == shape
    flat = [box.values.reshape(-1) for box in boxes]
    return np.concatenate(flat) if flat else np.empty(0, np.float32), 0 in shape


def without_rows(boxes: Sequence[Box], rows: Sequence[int]) -> list[Box]:
    """Return the boxes without some rows of the array."""
    kept: list[Box] = []
    for corner, values in boxes:
        here = [row - corner[0] for row in rows if 0 <= row - corner[0] < values.shape[0]]
        kept.append(Box(corner, np.delete(values, here, axis=0)))
    return kept


def rows_of(boxes: Sequence[Box], rows: Sequence[int]) -> list[tuple[int, Host]]:
    """Return the elements of some rows of the array, with the number of the row."""
    return [
        (row, box.values[row - box.corner[0]])
        for box in boxes
        for row in rows
        if 0 <= row - box.corner[0] < box.values.shape[0]
    ]
