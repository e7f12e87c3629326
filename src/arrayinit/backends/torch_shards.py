"""The portable stream in DTensors: each process fills the part that it holds, and asks no other."""

from __future__ import annotations

import sys

import torch

from arrayinit.backends.protocol import Array
from arrayinit.backends.torch_operator import PLAIN, apply, write
from arrayinit.random.draws import Draw


def is_sharded(x: Array) -> bool:
    """Whether a tensor is a DTensor, for which its library must have been loaded."""
    loaded = sys.modules.get("torch.distributed.tensor")
    return loaded is not None and isinstance(x, loaded.DTensor)


def fill_shard(x: Array, draw: Draw) -> None:
    """Fill the part of a DTensor that lies in this process, as the box of the logical array that it is."""
    owned = _owned(x)
    with torch.no_grad():
        local = x.to_local()
    if x.device_mesh.get_coordinate() is None:
        return
    if tuple(local.shape) != tuple(map(len, owned)):
        raise ValueError(
            f"x of shape {tuple(x.shape)}, placed as {x.placements}, has {tuple(map(len, owned))} of it in this "
            f"process where torch cuts it, but it holds {tuple(local.shape)}: make x with distribute_tensor"
        )
    fill = write if type(local) in PLAIN else apply
    fill(local, draw, [rows.start for rows in owned])
    torch.autograd.graph.increment_version(x)


def _owned(x: Array) -> list[range]:
    """Return the indices of each axis that this process holds, cut by each axis of the mesh as torch.chunk cuts."""
    from torch.distributed.tensor import Replicate, Shard

    owned = [range(n) for n in x.shape]
    place = x.device_mesh.get_coordinate() or [0] * x.device_mesh.ndim
    for i, placement in enumerate(x.placements):
        # By their classes: other placements derive from these.
        if type(placement) is Shard:
            rows = owned[placement.dim]
            step = -(-len(rows) // x.device_mesh.size(i))
            owned[placement.dim] = rows[step * place[i] :][:step]
        elif type(placement) is not Replicate:
            raise ValueError(
                f"x is placed as {x.placements}, but a seed fills DTensors of Shard and Replicate only: "
                "fill x before it is distributed so, or after x.redistribute"
            )
    return owned
