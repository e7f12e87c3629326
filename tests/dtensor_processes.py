"""Real processes that shard models and initialize them; each says what it found.

    python dtensor_processes.py WORLD_SIZES DIRECTORY

starts the processes of each of the world sizes, "1,2" for instance, as forks, since to import torch takes longer than
all of their work. Process 0 of 2 writes 2-0.json: by the name of each case, the collectives that were called while the
parameters were filled and while they were gathered, and the largest difference of each from that of one process, which
is not 0 unless they are equal in every bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.distributed as dist
from forked import main
from torch import nn
from torch.distributed.fsdp import CPUOffloadPolicy, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import Replicate, Shard, empty
from torch.distributed.tensor.debug import CommDebugMode
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

import arrayinit as ai

Wrap = Callable[[nn.Module], Any]


class Model(nn.Module):
    """Of sizes that neither 2, nor 3, nor 4 processes share evenly."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(13, 6)
        self.up = nn.Linear(6, 9)
        self.norm = nn.LayerNorm(9)
        self.down = nn.Linear(9, 7)
        self.convolution = nn.Conv2d(3, 5, (3, 2))


def initialize(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        seed = ai.fold_in(5, name)
        if name.startswith("embedding"):
            filled = ai.sparse_(parameter, 0.3, rng=seed)
        elif parameter.ndim > 1:
            filled = ai.kaiming_normal_(parameter, rng=seed)
        elif name.endswith("bias"):
            filled = ai.uniform_(parameter, -0.1, 0.1, rng=seed)
        else:
            filled = ai.ones_(parameter)
        assert filled is parameter
        assert parameter.requires_grad
        assert parameter.is_leaf


def shard(model: nn.Module, **options: Any) -> None:
    for module in (model.up, model.down):
        fully_shard(module, **options)
    fully_shard(model, **options)


def wraps(world: int) -> Iterator[tuple[str, torch.dtype, Wrap]]:
    """Yield what processes of this number do with a model."""
    mesh = dist.init_device_mesh("cpu", (world,))
    offloaded = {
        "mp_policy": MixedPrecisionPolicy(param_dtype=torch.bfloat16),
        "offload_policy": CPUOffloadPolicy(pin_memory=False),
    }
    yield "FSDP2", torch.float32, lambda model: shard(model, mesh=mesh)
    yield "FSDP2 in bfloat16", torch.bfloat16, lambda model: shard(model, mesh=mesh)
    yield "FSDP2, offloaded, in mixed precision", torch.float32, lambda model: shard(model, mesh=mesh, **offloaded)
    if world == 4:
        grid = dist.init_device_mesh("cpu", (2, 2), mesh_dim_names=("data", "tensor"))

        def in_two_ways(model: nn.Module) -> None:
            plan = {"up": ColwiseParallel(), "down": RowwiseParallel()}
            shard(parallelize_module(model, grid["tensor"], plan), mesh=grid["data"])
            assert "_StridedShard" in str(model.up.weight.placements)

        yield "FSDP2 and tensor parallelism", torch.float32, in_two_ways
        yield "HSDP", torch.float32, lambda model: shard(model, mesh=grid)


def of_model(dtype: torch.dtype, wrap: Wrap) -> dict[str, Any]:
    expected = Model().to(dtype)
    initialize(expected)
    with torch.device("meta"):
        model = Model().to(dtype)
    wrap(model)
    model.to_empty(device="cpu")
    with CommDebugMode() as filling:
        initialize(model)
    wholes = dict(expected.named_parameters())
    with CommDebugMode() as gathering:
        differences = {name: difference(x, wholes[name]) for name, x in model.named_parameters()}
    return {
        "filling": filling.get_total_counts(),
        "gathering": gathering.get_total_counts(),
        "differences": differences,
    }


def of_function(world: int, name: str, *arguments: float) -> dict[str, Any]:
    """What a function does that needs more of an array than the part of this process."""
    mesh = dist.init_device_mesh("cpu", (world,))
    function = getattr(ai, name)
    whole = function(torch.empty(9, 5), *arguments, rng=5)
    parts = {str(p): empty(9, 5, device_mesh=mesh, placements=[p]) for p in (Shard(0), Shard(1), Replicate())}
    with CommDebugMode() as filling:
        for x in parts.values():
            function(x, *arguments, rng=5)
    return {
        "filling": filling.get_total_counts(),
        "differences": {placement: difference(x, whole) for placement, x in parts.items()},
    }


def difference(x: Any, expected: torch.Tensor) -> float:
    whole, expected = x.full_tensor().detach(), expected.detach()
    if whole.dtype == expected.dtype and torch.equal(whole.view(torch.uint8), expected.view(torch.uint8)):
        return 0.0
    # No NaN, which JSON does not have and comparisons pass by.
    return max(float((whole - expected).abs().nan_to_num(nan=1.0).max()), torch.finfo(torch.float32).tiny)


def find(_rank: int, world: int) -> dict[str, Any]:
    """Return what this process found."""
    found = {name: of_model(dtype, wrap) for name, dtype, wrap in wraps(world)}
    found["sparse_"] = of_function(world, "sparse_", 0.3)
    found["orthogonal_"] = of_function(world, "orthogonal_")
    return found


if __name__ == "__main__":
    main(find)
