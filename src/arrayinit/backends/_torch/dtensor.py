"""DTensors: each process fills its own shard of the logical array, without communication."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, product
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor

from arrayinit.backends._torch.custom_op import apply, write
from arrayinit.backends._torch.memory import PLAIN, is_recorded, is_sharded, is_wrapped, local
from arrayinit.backends.protocol import Array
from arrayinit.kernels.draw import Draw
from arrayinit.stream.box import Index, whole_index


def whole(x: Array) -> Array:
    """Return the whole tensor. For a DTensor, the processes communicate."""
    return x.full_tensor() if is_sharded(x) else x


def arange(x: Array, count: int) -> Array:
    """Return the integers below ``count`` on the device of ``x``."""
    # The integers are made from x, so that they are a fake tensor if x is one.
    return local(x).new_ones(count, dtype=torch.int64, requires_grad=False).cumsum(0) - 1


def check_native(x: Array) -> None:
    """Raise ValueError if torch's own generators would fill several shards of a DTensor with the same numbers.

    On GPUs DTensor advances the generators past other processes' shards, in steps of 4 elements. Smaller shards share a
    step. On other devices each process draws from its own state, and torch warns. A replicated tensor is then right if
    all states are equal. This is up to the user, as with a NumPy generator.
    """
    if not is_sharded(x) or x.is_meta:
        return
    mesh = x.device_mesh
    parts = math.prod(mesh.size(i) for i, placement in enumerate(x.placements) if not placement.is_replicate())
    # For an offloaded shard torch draws from the CPU's generator, and then rewinds the generator.
    devices = map(torch.get_device_module, (x.device, mesh.device_type))
    moves_on = all(hasattr(device, "set_rng_state") for device in devices)
    if parts > 1 and (x.numel() < 4 * parts or not moves_on):
        raise ValueError(
            f"rng for a DTensor that is placed as {x.placements} and held on {x.device.type} must be a seed, "
            "as in rng=0, or a numpy.random.Generator in the same state in each process: torch's own generator would "
            "give several shards the same values"
        )


def fill_from_seed(x: Array, draw: Draw) -> None:
    """Fill a tensor, or this process's shard of a DTensor, from a seed."""
    is_compiling = torch.compiler.is_compiling()
    if not is_compiling:
        # This raises as the draw itself would. A tensor without memory gets no draw.
        draw.distribution.limits(draw.dtype)
    if x.is_meta:
        return
    if not is_sharded(x):
        fill_box(x, draw)
        return
    for part, index in local_boxes(x):
        fill_box(part, draw, [run.start for run in index])


def fill_box(x: Array, draw: Draw, corner: Sequence[int] = ()) -> None:
    """Fill a tensor that has memory and is not sharded, or the box of the array that begins at ``corner``."""
    # torch.compile or a mode must see the write, so the operator does it. torch's copies write to tensors wrapped by
    # torch.func.
    if type(x) in PLAIN and not (torch.compiler.is_compiling() or (is_recorded() and not is_wrapped(x))):
        write(x, draw, corner or None)
    else:
        apply(x.detach(), draw, corner)


def pairs(x: Array, values: Array) -> Iterator[tuple[Array, Array]]:
    """Yield the memory of a tensor in this process, and the values for this memory from ``values`` of the same shape.

    The values for a DTensor are a DTensor too, or are whole in each process. Only a DTensor with other placements is
    communicated.
    """
    if not is_sharded(x):
        yield x, whole(values)
        return
    if is_sharded(values):
        if (values.device_mesh, values.placements) == (x.device_mesh, x.placements):
            here, its = local(x), local(values)
            if here.shape != its.shape:
                raise ValueError(
                    f"x and source have the same placements, but shards of {tuple(here.shape)} and {tuple(its.shape)} "
                    "in this process: make them with distribute_tensor"
                )
            yield here, its
            torch.autograd.graph.increment_version(x)
            return
        values = values.full_tensor()
    for part, index in local_boxes(x):
        yield part, values[index]


def entries(x: Array, index: tuple[Any, ...], value: Array | complex) -> Iterator[tuple[Array, tuple[Any, ...], Any]]:
    """Yield the memory of a tensor in this process, and the index and value that ``x[index] = value`` sets there."""
    if not is_sharded(x):
        yield x, index, value
        return
    index, value = tuple(map(local, index)), local(value)
    for part, box in local_boxes(x):
        # The position along each axis of every element that is set.
        positions = [
            torch.arange(n, device=part.device).view(n, *[1] * (x.ndim - 1 - i)).expand(x.shape)[index]
            for i, n in enumerate(x.shape)
        ]
        inside = [(at >= side.start) & (at < side.stop) for at, side in zip(positions, box, strict=True)]
        here = torch.stack(inside).all(0)
        its = value[here] if isinstance(value, torch.Tensor) else value
        yield part, tuple(at[here] - side.start for at, side in zip(positions, box, strict=True)), its


def local_boxes(x: Array) -> Iterator[tuple[Array, Index]]:
    """Yield the memory of a tensor to be written, as `held_boxes` does."""
    yield from held_boxes(x)
    if is_sharded(x):
        torch.autograd.graph.increment_version(x)


def held_boxes(x: Array) -> Iterator[tuple[Array, Index]]:
    """Yield the memory of a tensor in this process, box by box, with the position of each box in the logical array."""
    if not is_sharded(x):
        yield x, whole_index(x.shape)
        return
    held = _held(x)
    part, sizes = local(x), tuple(sum(map(len, runs)) for runs in held)
    if x.device_mesh.get_coordinate() is None or part.is_meta or isinstance(part, FakeTensor):
        return
    if tuple(part.shape) != sizes:
        raise ValueError(
            f"x of shape {tuple(x.shape)}, placed as {x.placements}, must have a shard of {sizes} in this process, but "
            f"has a shard of {tuple(part.shape)}: make x with distribute_tensor, or choose a size that the processes "
            "share evenly"
        )
    for box in product(*map(_sides, held)):
        yield part[tuple(side for side, _ in box)], tuple(slice(run.start, run.stop) for _, run in box)


def by_shard(x: Array, fill: Callable[[Array, Index], Array]) -> Array:
    """Fill a tensor, or each box of a DTensor in this process, by ``fill(box, index)``."""
    if not is_sharded(x):
        return fill(x, whole_index(x.shape))
    for part, index in local_boxes(x):
        fill(part, index)
    return x


def empty(x: Array, shape: tuple[int, ...], dtype: torch.dtype) -> Array:
    """Return an empty tensor on the device of ``x``; for a DTensor, one replicated in each of its processes."""
    if not is_sharded(x):
        return x.new_empty(shape, dtype=dtype, requires_grad=False)
    from torch.distributed.tensor import DTensor, Replicate

    part = local(x).new_empty(shape, dtype=dtype, requires_grad=False)
    return DTensor.from_local(part, x.device_mesh, [Replicate()] * x.device_mesh.ndim)


def _sides(runs: list[range]) -> list[tuple[slice, range]]:
    """Pair each run of indices with its position in this process's shard."""
    stops = accumulate(map(len, runs))
    return [(slice(stop - len(run), stop), run) for stop, run in zip(stops, runs, strict=True)]


def _held(x: Array) -> list[list[range]]:
    """Return this process's indices along each axis, sharded by the axes of the mesh from left to right."""
    held = [[range(n)] for n in x.shape]
    mesh = x.device_mesh
    coordinate = mesh.get_coordinate() or [0] * mesh.ndim
    for i, placement in enumerate(x.placements):
        if placement.is_partial():
            raise ValueError(
                f"x is placed as {x.placements}, and a Partial placement has no elements yet: fill x before you "
                "distribute it so, or after x.redistribute"
            )
        if not placement.is_replicate():
            # FSDP2 uses _StridedShard, which is not public, for an axis that is sharded already. It shards each of
            # `split_factor` pieces.
            count = getattr(placement, "split_factor", 1)
            pieces = [_chunk(held[placement.dim], count, k) for k in range(count)]
            held[placement.dim] = [run for piece in pieces for run in _chunk(piece, mesh.size(i), coordinate[i])]
    return held


def _chunk(runs: list[range], count: int, number: int) -> list[range]:
    """Return one of the consecutive chunks of torch.chunk."""
    step = -(-sum(map(len, runs)) // count)
    start, chunk = step * number, []
    for run in runs:
        chunk.append(run[max(start, 0) : max(start + step, 0)])
        start -= len(run)
    return [run for run in chunk if run]
