"""JAX arrays that consist of pieces along an axis."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from arrayinit.backends._jax.checked import by_programs
from arrayinit.backends._jax.sharding import corner_of, devices, from_boxes, is_on_host, is_spread, is_traced, on_host
from arrayinit.backends.protocol import Array
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.fill import Fill
from arrayinit.kernels.pieces import Cut, Pieces, Place

Shape = tuple[int, ...]

_Box = tuple[Shape, Shape]
"""The corner of a box, and its shape."""


def filled(x: Array, fill: Pieces, fill_whole: Callable[[Array, Fill], Array]) -> Array:
    """Return the values for a struct. Each device makes its own shard, unless a piece is computed as a whole."""
    if not is_traced(x) and fill.is_by_box:
        return from_boxes(x, fill) if is_on_host(x) or 0 in x.shape else _on_accelerators(x, fill)
    shape = tuple(x.shape)
    sharding = None if is_traced(x) or is_spread(x) else x.sharding
    parts: list[Array] = []
    for number, piece in enumerate(fill.fills):
        assert piece is not None, "JAX's arrays are not written"
        parts.append(fill_whole(jax.ShapeDtypeStruct(fill.cut.shape(number, shape), x.dtype, sharding=sharding), piece))
    return _joined(fill.cut, parts)


def _joined(cut: Cut, parts: list[Array]) -> Array:
    return jnp.stack(parts, cut.axis) if cut.is_stacked else jnp.concatenate(parts, cut.axis)


def _on_accelerators(x: Array, fill: Pieces) -> Array:
    """Generate the shard of each device on this device."""
    if not jax.sharding.get_abstract_mesh().empty:
        # Under a current mesh, JAX computes on this mesh only. A new thread has no current mesh.
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(_on_accelerators, x, fill).result()
    shape = tuple(x.shape)
    if not is_spread(x):
        (whole,) = _boxes(fill, {device: ((0,) * len(shape), shape) for device in devices(x)}, x.dtype).values()
        return jax.device_put(whole, x.sharding)
    part = x.sharding.shard_shape(shape)
    held = x.sharding.addressable_devices_indices_map(shape)
    made = _boxes(fill, {device: (corner_of(index), part) for device, index in held.items()}, x.dtype)
    memory = partial(jax.sharding.SingleDeviceSharding, memory_kind=x.sharding.memory_kind)
    parts = [jax.device_put(values, memory(device)) for device, values in made.items()]
    return jax.make_array_from_single_device_arrays(shape, x.sharding, parts)


def _boxes(fill: Fill, held: dict[Any, _Box], dtype: Any) -> dict[Any, Array]:
    """Return for each device, on this device, its box of a fill."""
    made: dict[Any, Array] = {}
    if isinstance(fill, Pieces):
        parts: dict[Any, list[Array]] = {device: [] for device in held}
        overlaps = fill.cut.by_piece((device, *box) for device, box in held.items())
        for piece, inside in zip(fill.fills, overlaps, strict=True):
            assert piece is not None, "JAX's arrays are not written"
            boxes = {device: (first, _shape(held[device][1], place)) for device, place, first in inside}
            for device, values in _boxes(piece, boxes, dtype).items():
                parts[device].append(values)
        return {device: _joined(fill.cut, found) for device, found in parts.items()}
    if not isinstance(fill, Draw):
        return {
            device: jax.device_put(on_host(fill, size, dtype, first), device) for device, (first, size) in held.items()
        }
    # Devices whose boxes are of one shape share a program.
    for shape in dict.fromkeys(size for _, size in held.values()):
        corners = {device: first for device, (first, size) in held.items() if size == shape}
        found = by_programs(fill, corners, shape)
        if found is None:
            found = {device: on_host(fill, shape, dtype, first) for device, first in corners.items()}
        made.update({device: jax.device_put(values, device) for device, values in found.items()})
    return made


def _shape(shape: Shape, place: Place) -> Shape:
    """Return the shape of the box at a place in a box of this shape."""
    *sides, _ = place
    last = () if isinstance(sides[-1], int) else (sides[-1].stop - sides[-1].start,)
    return (*shape[: len(sides) - 1], *last, *shape[len(sides) :])
