"""Each process of a mesh in turn, played by this one: what it holds needs no other, and no network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import prod
from typing import Any

import numpy as np
import pytest
from libraries import Library
from portable_calls import same_bits

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    import torch.distributed as dist
    from torch.distributed.tensor import Placement, Replicate, Shard, debug, distribute_tensor
    from torch.distributed.tensor.placement_types import _StridedShard
    from torch.testing._internal.distributed.fake_pg import FakeStore

# The sizes of a mesh, and how an array of two axes or more is placed there.
MESHES = {
    "2, Shard(0)": ((2,), lambda: [Shard(0)]),
    "3, Shard(0)": ((3,), lambda: [Shard(0)]),
    "4, Shard(1)": ((4,), lambda: [Shard(1)]),
    "3, Shard(1)": ((3,), lambda: [Shard(1)]),
    "3, Replicate()": ((3,), lambda: [Replicate()]),
    "2, _StridedShard(0)": ((2,), lambda: [_StridedShard(0, split_factor=3)]),
    "2 x 2, Shard(0) and Shard(1)": ((2, 2), lambda: [Shard(0), Shard(1)]),
    "2 x 2, Shard(1) and Replicate()": ((2, 2), lambda: [Shard(1), Replicate()]),
    "2 x 2, Shard(0) twice": ((2, 2), lambda: [Shard(0), Shard(0)]),
    "3 x 2, Replicate() and Shard(0)": ((3, 2), lambda: [Replicate(), Shard(0)]),
    # FSDP2 over tensor parallelism on the same axis.
    "2 x 2, _StridedShard(0) and Shard(0)": ((2, 2), lambda: [_StridedShard(0, split_factor=2), Shard(0)]),
    "3 x 2, _StridedShard(1) and Shard(1)": ((3, 2), lambda: [_StridedShard(1, split_factor=2), Shard(1)]),
    "2 x 2 x 2, Replicate(), _StridedShard(0) and Shard(0)": (
        (2, 2, 2),
        lambda: [Replicate(), _StridedShard(0, split_factor=2), Shard(0)],
    ),
    "2 x 3, Shard(0) and _StridedShard(0)": ((2, 3), lambda: [Shard(0), _StridedShard(0, split_factor=4)]),
    "2 x 2, _StridedShard(0) and Replicate()": ((2, 2), lambda: [_StridedShard(0, split_factor=2), Replicate()]),
}
every_mesh = pytest.mark.parametrize("mesh", MESHES)


@contextmanager
def process(rank: int, *sizes: int, device: str = "cpu", names: tuple[str, ...] | None = None) -> Iterator[Any]:
    """Be one process of a mesh; the others do not exist."""
    # What torch remembers of its operators holds the mesh of the process that was played before.
    debug._clear_sharding_prop_cache()
    dist.init_process_group("fake", store=FakeStore(), rank=rank, world_size=prod(sizes))
    try:
        yield dist.init_device_mesh(device, sizes, mesh_dim_names=names)
    finally:
        dist.destroy_process_group()


def processes(mesh: str) -> Iterator[tuple[Any, list[Placement]]]:
    """Be each process of a mesh in turn; yield the mesh and the placements."""
    sizes, placements = MESHES[mesh]
    for rank in range(prod(sizes)):
        with process(rank, *sizes) as devices:
            yield devices, placements()


def tensor(values: np.ndarray, dtype: str) -> Any:
    return torch.from_numpy(np.ascontiguousarray(values)).to(getattr(torch, dtype))


def distributed(whole: Any, mesh: Any, placements: list[Placement]) -> Any:
    """Return the DTensor of a tensor that each process has, as torch cuts it."""
    return distribute_tensor(whole, mesh, placements, src_data_rank=None)


def same_part(x: Any, whole: Any, library: Library) -> None:
    """Raise AssertionError unless this process holds the part of ``whole`` that torch would give it."""
    expected = distributed(whole, x.device_mesh, x.placements).to_local()
    dtype = str(whole.dtype).removeprefix("torch.")
    same_bits(library.to_numpy(x.to_local()), library.to_numpy(expected), dtype)
