"""Boxes of the portable stream, each made on the device that is to hold it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels import xla_programs as programs
from arrayinit.kernels.draw import Draw
from arrayinit.stream.box import c_strides, merged_axes, neighbours
from arrayinit.stream.ops import Array
from arrayinit.stream.philox import KEYS, WORDS_PER_BLOCK, round_keys
from arrayinit.stream.program import traced
from arrayinit.stream.seed import Key
from arrayinit.stream.transform import streams

Device = Any
Shape = tuple[int, ...]

# Blocks that a program makes: for small boxes, and for large ones, of which the calls should not take longer than the
# work.
SIZES = (1 << 13, 1 << 20)

# Keys of the elements of a matrix that are sorted at once.
_SORTED = 1 << 23


def boxes(draw: Draw, corners: Mapping[Device, Sequence[int]], shape: Sequence[int]) -> dict[Device, Array]:
    """Return, for each device and on it, the box of this shape that begins at its corner; it has elements."""
    if not jax.sharding.get_abstract_mesh().empty:
        # Where a mesh is at hand all that is computed has to lie on it. A thread of its own knows of none.
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(boxes, draw, corners, shape).result()
    size, *firsts = (tuple(sizes[k] for k in draw.order) for sizes in (shape, *corners.values()))
    rows, (program, numbers) = _Rows.of(draw.shape, firsts, size), traced(draw.distribution, draw.dtype)
    # What is made by one device, without a mesh, can be used together with what lies on others.
    mesh = Mesh(np.array(list(corners)), (programs.AXIS,)) if len(corners) > 1 else None
    with jax.enable_x64(True), jax.numpy_rank_promotion("allow"), jax.default_device(next(iter(corners))):
        given = _brought(mesh, np.array([*numbers, np.inf], FORMATS[draw.dtype.compute].real))
        compute = partial(programs.numbers, mesh=mesh, program=program, dtype=draw.dtype.name)
        box = _filled(
            mesh, rows, draw.seed.key(), streams(draw.dtype), draw.dtype.word, lambda words: compute(words, given)
        )
        if draw.zeros:
            matrix = programs.arranged(box, mesh=mesh, shape=size, order=(0, 1))
            box = _cleared(mesh, matrix, firsts, draw)
        box = programs.arranged(box, mesh=mesh, shape=size, order=draw.inverse)
        held: dict[Device, Array] = dict.fromkeys(corners, box)
        if mesh:
            held = {part.device: part.data for part in box.addressable_shards}
        return {device: held[device] if shape else held[device].reshape(()) for device in corners}


def _brought(mesh: Mesh | None, x: Any, *axes: str) -> Array:
    """Bring to all devices what they have alike, or to each its part along the first axis."""
    return jax.device_put(x, mesh and NamedSharding(mesh, PartitionSpec(*axes)))


class _Rows(NamedTuple):
    """A box as rows of neighbours in the logical array, of which each device has as many, of the same length."""

    corners: list[int]
    """Where the first row begins, for each device."""
    axes: list[tuple[int, int]]
    """Size and stride of each axis along which rows follow each other."""
    shape: tuple[int, int]

    @classmethod
    def of(cls, whole: Shape, corners: Iterable[Shape], size: Shape) -> _Rows:
        """Return the boxes of this size in an array whose shape is ``whole``."""
        strides = c_strides(whole)
        places = [sum(k * stride for k, stride in zip(corner, strides, strict=True)) for corner in corners]
        sizes, steps, wholes, _ = merged_axes(size, strides, whole, (0,) * len(whole))
        first, length = neighbours(wholes, sizes)
        return cls(places, list(zip(sizes[:first], steps[:first], strict=True)), (math.prod(sizes[:first]), length))


def _filled(
    mesh: Mesh | None, rows: _Rows, key: Key, draws: Iterable[int], word: str, compute: Callable[[Any], Array]
) -> Array:
    """Return the rows, of what ``compute`` makes of the words of each stream."""
    (count, length), each = rows.shape, WORDS_PER_BLOCK[word]
    keys: list[int] = np.array(round_keys(key)).ravel().tolist()
    steps = list(chain(*rows.axes))
    # Wherever in a block a row begins.
    span = (length + each - 2) // each + 1
    size = SIZES[count * span > SIZES[0]]
    height, width = (min(count, size // span), length) if span <= size else (1, (size - 1) * each)
    tiles = [(row, column) for row in range(0, count, height) for column in range(0, length, width)]
    filled: Array = None
    for row, column in tiles:
        # The last ones go over some of the others again: all have one shape. One array takes less time than several.
        tile = min(row, count - height), min(column, length - width), min(span, size), each
        places = [
            _brought(
                mesh, np.array([[corner, *tile, k, *keys, *steps] for corner in rows.corners], np.uint64), programs.AXIS
            )
            for k in draws
        ]
        drawn = compute([programs.words(place, mesh=mesh, blocks=size) for place in places])
        if len(tiles) == 1:
            return programs.tile(drawn, places[0], mesh=mesh, shape=(height, width))
        if filled is None:
            filled = programs.blank(places[0], mesh=mesh, shape=rows.shape, dtype=drawn.dtype)
        filled = programs.put(filled, drawn, places[0], mesh=mesh, shape=(height, width))
    return filled


def _cleared(mesh: Mesh | None, matrix: Array, corners: Sequence[Shape], draw: Draw) -> Array:
    """Return boxes of a matrix with the elements that `Draw` says set to zero, some columns at a time."""
    (rows, columns), width = draw.shape, matrix.shape[1]
    step = min(width, max(1, _SORTED // rows))
    first = _brought(mesh, np.array([corner[0] for corner in corners]), programs.AXIS)
    for start in range(0, width, step):
        column = min(start, width - step)
        # The keys of a column follow each other.
        held = _Rows.of((columns, rows), [(corner[1] + column, 0) for corner in corners], (step, rows))
        drawn = _filled(mesh, held, draw.seed.key(), [KEYS], "uint32", partial(programs.keys, mesh=mesh))
        matrix = programs.clear(
            matrix, drawn, first, _brought(mesh, np.array([column, draw.zeros])), mesh=mesh, rows=rows
        )
    return matrix
