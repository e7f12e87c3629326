"""XLA's kernels: in a program, on one device or on several as on GPUs; and on the host as shards of JAX's arrays."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from boxes import STORED

from arrayinit.kernels.draw import Draw
from kernels_under_test.kernel import Corner, Kernel

# A program is compiled for each distribution and dtype: one distribution of each kind.
_FEW = ("shifted", "normal, shifted", "disk")
# What is narrow is computed in float32 and rounded: between bounds, without bounds, and beyond the largest number.
_ROUNDED = ("shifted", "normal", "normal, overflowing")


def _bits(x: Any) -> np.ndarray:
    values = np.asarray(x)
    return values.view(STORED.get(values.dtype.name, values.dtype))


def _in_a_program(draw: Draw, x: np.ndarray, _: list[int]) -> None:
    import jax

    from arrayinit.kernels.xla import traced

    with jax.enable_x64(draw.dtype.compute in ("float64", "complex128")):
        x.transpose(draw.order)[...] = _bits(jax.jit(lambda: traced(draw))())


def _on_a_device(draw: Draw, x: np.ndarray, corner: list[int]) -> None:
    import jax

    from arrayinit.kernels.xla_boxes import on_devices

    (box,) = on_devices(draw, {jax.devices("cpu")[3]: corner}, x.shape).values()
    x[...] = _bits(box)


def _on_several_devices(draw: Draw, x: np.ndarray, corner: list[int]) -> None:
    """Let other devices begin at other corners."""
    import jax

    from arrayinit.kernels.xla_boxes import on_devices

    other, device, _ = jax.devices("cpu")[:3]
    shape = [draw.shape[k] for k in draw.inverse]
    opposite = [whole - size - first for whole, size, first in zip(shape, x.shape, corner, strict=True)]
    x[...] = _bits(on_devices(draw, {other: opposite, device: corner}, x.shape)[device])


def _counts(shape: Corner, size: Corner) -> list[int]:
    """Return how often a mesh of eight devices can cut each axis evenly, into parts of this size or larger."""
    counts: list[int] = []
    for whole, part in zip(shape, size, strict=True):
        free = 8 // prod(counts)
        counts.append(max(n for n in range(1, free + 1) if whole % n == 0 and n <= max(1, whole // max(1, part))))
    return counts


def _shard(shape: Corner, corner: Corner, size: Corner) -> tuple[Corner, Corner]:
    part = tuple(whole // count for whole, count in zip(shape, _counts(shape, size), strict=True))
    return tuple(first // max(1, n) * n for first, n in zip(corner, part, strict=True)), part


def _as_a_shard(draw: Draw, x: np.ndarray, corner: list[int]) -> None:
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    from arrayinit.backends._jax.backend import BACKEND

    shape = tuple(draw.shape[k] for k in draw.inverse)
    counts = [whole // max(1, size) or 1 for whole, size in zip(shape, x.shape, strict=True)]
    names = [f"axis{k}" for k in range(len(shape))] or ["axis"]
    mesh = Mesh(np.array(jax.devices("cpu")[: prod(counts)]).reshape(counts or [1]), names)
    sharding = NamedSharding(mesh, PartitionSpec(*names[: len(shape)]))
    struct = jax.ShapeDtypeStruct(shape, draw.dtype.name, sharding=sharding)
    filled = BACKEND.write(struct, draw)
    shards = {tuple(side.start or 0 for side in shard.index): shard.data for shard in filled.addressable_shards}
    x[...] = _bits(shards[tuple(corner)])


_TILES: dict[str, tuple[Any, ...]] = {
    "arrayinit.kernels.xla_boxes.SIZES": ((16, 256),),
    "arrayinit.kernels.xla_boxes._SORTED": (1 << 23, 500, 1),
}
# XLA takes subnormal numbers for zero.
_XLA: dict[str, Any] = {"names": _FEW, "narrow_names": _ROUNDED, "has_subnormals": False}
KERNELS = {
    "XLA, in a program": Kernel("jax", _in_a_program, "whole arrays", 8, **_XLA),
    "XLA, on a device": Kernel(
        "jax", _on_a_device, "far boxes", 8, _TILES, has_every_distribution=False, takes_empty=False, **_XLA
    ),
    "XLA, on several devices": Kernel(
        "jax",
        _on_several_devices,
        "far boxes",
        7,
        _TILES,
        ("float32", "complex64"),
        has_every_distribution=False,
        takes_empty=False,
        **_XLA,
    ),
    "JAX, sharded": Kernel("jax", _as_a_shard, "boxes", 60, takes_empty=False, near=_shard),
}
