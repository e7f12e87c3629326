"""Boxes of the portable stream. Each device generates its own box."""

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
from arrayinit.kernels.fill import Host
from arrayinit.stream.box import c_strides, merged_axes, neighbours, position
from arrayinit.stream.ops import Array
from arrayinit.stream.philox import KEYS, WORDS_PER_BLOCK, round_keys
from arrayinit.stream.program import recorded
from arrayinit.stream.seed import Key
from arrayinit.stream.transform import streams

Device = Any
Shape = tuple[int, ...]
See = Callable[[Host, Shape], None]

# The blocks that one program generates, for small boxes and for large ones: the calls for a large box should not take
# longer than the work.
SIZES = (1 << 13, 1 << 20)

# The number of keys sorted at once.
_SORTED = 1 << 23

# The elements of a matrix with zeros that are seen: as many as the check at the first use compares.
_SEEN = 1 << 12

# The bytes that are copied to the host for a part of them, in a few ms. To cut the part out first, XLA would compile a
# program for each shape, in some 100 ms.
_COPIED = 1 << 25


def on_devices(
    draw: Draw, corners: Mapping[Device, Sequence[int]], shape: Sequence[int], see: See | None = None
) -> dict[Device, Array]:
    """Return for each device, on this device, the box of this shape that begins at its corner. No box is empty.

    ``see`` gets what the first device has drawn of a part of its box, and the corner of the part: neighbours in the
    logical array, with the index of the first of them; or, where the draw has zeros, elements of the matrix.
    """
    made: dict[Device, Array] = _without_mesh(_on_devices, draw, corners, shape, see)
    return made


def is_copied(size: int) -> bool:
    """Whether so many bytes are copied to the host to compare a part of them."""
    return size <= _COPIED


def _without_mesh(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function where no mesh is current: JAX computes on a current mesh only."""
    if jax.sharding.get_abstract_mesh().empty:
        return function(*arguments)
    # A new thread has no current mesh.
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function, *arguments).result()


def _on_devices(
    draw: Draw, corners: Mapping[Device, Sequence[int]], shape: Sequence[int], see: See | None
) -> dict[Device, Array]:
    size, *firsts = (tuple(sizes[k] for k in draw.order) for sizes in (shape, *corners.values()))
    rows, (program, numbers) = _Rows.of(draw.shape, firsts, size), recorded(draw.distribution, draw.dtype)
    device = next(iter(corners))
    # An array made on one device, without a mesh, can be combined with arrays on other devices.
    mesh = Mesh(np.array(list(corners)), (programs.AXIS,)) if len(corners) > 1 else None
    with jax.enable_x64(True), jax.numpy_rank_promotion("allow"), jax.default_device(device):
        given = _brought(mesh, np.array([*numbers, np.inf], FORMATS[draw.dtype.compute].real))
        compute = partial(programs.numbers, mesh=mesh, program=program, dtype=draw.dtype.name)

        def computed(words: Any) -> Array:
            nonlocal see
            drawn = compute(words, given)
            if see and not draw.zeros:
                numbers, begin = _on_host(drawn, device), rows.corners[0]
                see(numbers[begin % WORDS_PER_BLOCK[draw.dtype.word] :][: rows.shape[1]], (begin,))
                see = None
            return drawn

        box = _filled(mesh, rows, draw.seed.key(), streams(draw.dtype), draw.dtype.word, computed)
        if draw.zeros:
            matrix = programs.arranged(box, mesh=mesh, shape=size, order=(0, 1))
            box, seen = _cleared(mesh, matrix, firsts, draw, size)
            if see:
                see(_on_host(seen, device), firsts[0])
        box = programs.arranged(box, mesh=mesh, shape=size, order=draw.inverse)
        held: dict[Device, Array] = dict.fromkeys(corners, box)
        if mesh:
            held = {part.device: part.data for part in box.addressable_shards}
        return {device: held[device] if shape else held[device].reshape(()) for device in corners}


def _brought(mesh: Mesh | None, x: Any, *axes: str) -> Array:
    """Replicate an array over all devices, or shard it along its first axis."""
    return jax.device_put(x, mesh and NamedSharding(mesh, PartitionSpec(*axes)))


class _Rows(NamedTuple):
    """A box as rows of neighbours in the logical array. All devices have equally many rows, of the same length."""

    corners: list[int]
    """For each device, the logical index at which the first row begins."""
    axes: list[tuple[int, int]]
    """Size and stride of each axis that the rows are counted along."""
    shape: tuple[int, int]

    @classmethod
    def of(cls, whole: Shape, corners: Iterable[Shape], size: Shape) -> _Rows:
        """Return the boxes of this size in an array whose shape is ``whole``."""
        starts = [position(whole, corner) for corner in corners]
        sizes, steps, wholes, _ = merged_axes(size, c_strides(whole), whole, (0,) * len(whole))
        first, length = neighbours(wholes, sizes)
        return cls(starts, list(zip(sizes[:first], steps[:first], strict=True)), (math.prod(sizes[:first]), length))


def _on_host(x: Array, device: Device) -> Host:
    """Return what a device holds of an array."""
    held: Host
    (held,) = (jax.device_get(part.data) for part in x.addressable_shards if part.device == device)
    return held


def _filled(
    mesh: Mesh | None, rows: _Rows, key: Key, draws: Iterable[int], word: str, compute: Callable[[Any], Array]
) -> Array:
    """Return the rows, computed by ``compute`` from the words of each stream."""
    (count, length), each = rows.shape, WORDS_PER_BLOCK[word]
    keys: list[int] = np.array(round_keys(key)).ravel().tolist()
    steps = list(chain(*rows.axes))
    # The most blocks of a row, which may begin anywhere in a block.
    span = (length + each - 2) // each + 1
    size = SIZES[count * span > SIZES[0]]
    height, width = (min(count, size // span), length) if span <= size else (1, (size - 1) * each)
    tiles = [(row, column) for row in range(0, count, height) for column in range(0, length, width)]
    filled: Array = None
    for row, column in tiles:
        # All tiles have one shape, so the last ones overlap others. One array of arguments is faster than several.
        tile = min(row, count - height), min(column, length - width), min(span, size), each
        arguments = [
            _brought(
                mesh, np.array([[corner, *tile, k, *keys, *steps] for corner in rows.corners], np.uint64), programs.AXIS
            )
            for k in draws
        ]
        drawn = compute([programs.words(one, mesh=mesh, blocks=size) for one in arguments])
        if len(tiles) == 1:
            return programs.tile(drawn, arguments[0], mesh=mesh, shape=(height, width))
        if filled is None:
            filled = programs.blank(arguments[0], mesh=mesh, shape=rows.shape, dtype=drawn.dtype)
        filled = programs.put(filled, drawn, arguments[0], mesh=mesh, shape=(height, width))
    return filled


def _cleared(
    mesh: Mesh | None, matrix: Array, corners: Sequence[Shape], draw: Draw, size: Shape
) -> tuple[Array, Array]:
    """Set the zeros of a `Draw` in boxes of a matrix of this size, some columns at a time.

    Return the matrix, and a copy of its first elements, few columns of many rows, which the host draws fastest.
    """
    (rows, columns), (height, width) = draw.shape, size
    step = min(width, max(1, _SORTED // rows))
    tall = min(height, _SEEN)
    seen = tall, min(step, -(-_SEEN // tall))
    first = _brought(mesh, np.array([corner[0] for corner in corners]), programs.AXIS)
    parts = []
    for start in range(0, width, step):
        column = min(start, width - step)
        # The keys of a column are contiguous in the stream.
        held = _Rows.of((columns, rows), [(corner[1] + column, 0) for corner in corners], (step, rows))
        drawn = _filled(mesh, held, draw.seed.key(), [KEYS], "uint32", partial(programs.keys, mesh=mesh))
        given = _brought(mesh, np.array([column, draw.zeros]))
        matrix, part = programs.clear(matrix, drawn, first, given, mesh=mesh, rows=rows, seen=seen)
        parts.append(part)
    return matrix, parts[0]
