"""Boxes that XLA's programs compute, and the check of these programs at their first use."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

from arrayinit.backends import first_use
from arrayinit.backends.protocol import Array
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.fill import Host
from arrayinit.kernels.xla_boxes import block_of, is_copied, on_devices

Shape = tuple[int, ...]


def by_programs(draw: Draw, corners: dict[Any, Shape], shape: Shape) -> dict[Any, Array] | None:
    """Return for each device, on this device, its box of this shape as XLA's programs compute it.

    None says that the host is to fill: the programs are wrong, or not wanted.
    """
    first = next(iter(corners))
    place = f"XLA on {first.platform}:{first.id}"
    is_right = first_use.answer(place, draw)
    if is_right is False:
        return None
    # To compare a sample of its own, XLA would compile programs. Of a large box, neighbours are compared as drawn.
    if is_right is None and not draw.zeros and not is_copied(math.prod(shape) * draw.dtype.bits // 8):
        made = on_devices(draw, corners, shape, partial(_compare_neighbours, place, draw))
        return None if first_use.answer(place, draw) is False else made
    made = on_devices(draw, corners, shape)
    if is_right is None and not _is_right(place, draw, made[first], corners[first]):
        return None
    return made


def _compare_neighbours(place: str, draw: Draw, numbers: Host, begin: int) -> None:
    """Compare neighbours in the logical array with the host's."""
    row = replace(draw, shape=(math.prod(draw.shape),), order=(0,))
    some = numbers[: first_use.WORDS]
    first_use.compare(place, row, some.tobytes(), some.shape, (begin,))


def _is_right(place: str, draw: Draw, made: Array, corner: Shape) -> bool:
    """Whether a block of what was computed has the bits of the host."""
    size, left = [1] * made.ndim, first_use.WORDS
    # The host sorts the keys of whole columns, so that few columns are best.
    for axis in range(made.ndim) if draw.zeros else reversed(range(made.ndim)):
        size[axis] = min(made.shape[axis], left)
        left = -(-left // size[axis])
    return first_use.compare(place, draw, block_of(made, size).tobytes(), size, corner)
