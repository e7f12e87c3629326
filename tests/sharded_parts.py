"""Fused weights whose shards end inside a part."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from sharded_model import SEED, digest
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import Shard, distribute_module, distribute_tensor
from torch.distributed.tensor.debug import CommDebugMode

import arrayinit as ai
from arrayinit.backends._torch.dtensor import held_boxes


class Fused(nn.Module):
    """Of parts that do not end where shards end."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(6, 14)
        self.experts = nn.Parameter(torch.empty(5, 4, 6))
        self.square = nn.Linear(7, 14, bias=False)
        self.table = nn.Embedding(11, 6, padding_idx=7)
        self.deep = nn.Parameter(torch.empty(3, 8, 2))


SIZES = {"q": 5, "k": 5, "v": 4}
FUSED: list[Any] = [
    ("qkv.weight", ai.parts(ai.xavier_uniform(), "O", SIZES)),
    ("qkv.bias", ai.parts(ai.zeros(), "O", SIZES, values={"k": ai.ones(), "v": ai.normal()})),
    (
        "experts",
        ai.stack(ai.parts(ai.xavier_normal(layout="IO"), "O", ["gate", "up"], values={"up": ai.eye(layout="IO")})),
    ),
    ("square.weight", ai.parts(ai.orthogonal(), "O", ["a", "b"])),
    ("table.weight", ai.parts(ai.normal(), "O", {"old": 6, "new": 5}, values={"old": torch.arange(36.0).view(6, 6)})),
    ("deep", ai.stack(ai.normal(std=0.02), axis=1)),
]


def cut_along(axis: int, world: int) -> Any:
    """Return the fused weights, all cut along one axis, or along the last one."""
    model = Fused()

    def cut(_: str, module: nn.Module, mesh: Any) -> None:
        for name, x in list(module.named_parameters(recurse=False)):
            placements = [Shard(min(axis, x.ndim - 1))]
            setattr(module, name, nn.Parameter(distribute_tensor(x.data, mesh, placements)))

    return distribute_module(model, dist.init_device_mesh("cpu", (world,)), cut)


def of_fused(rank: int, world: int) -> dict[str, Any]:
    """Fill fused weights whose shards end inside a part; NumPy's generator draws them too."""
    expected = digest(ai.initialize(Fused(), FUSED, rng=SEED))
    drawn = digest(ai.initialize(Fused(), FUSED, rng=np.random.default_rng(SEED)))
    with torch.device("meta"):
        model: Any = fully_shard(Fused())
    plan = ai.plan(model, FUSED)
    with CommDebugMode() as filling:
        ai.initialize(model, FUSED, rng=SEED, device="cpu")
    found = {
        "collectives": filling.get_total_counts(),
        "audit": plan.audit(model).faults,
        "audit of the whole": plan.audit(model, communicate=True).faults,
        "same": [digest(model) == expected],
    }
    for axis in (0, 1, 2):
        model = cut_along(axis, world)
        found["same"].append(digest(ai.initialize(model, FUSED, rng=SEED)) == expected)
        found["same"].append(digest(ai.initialize(model, FUSED, rng=np.random.default_rng(SEED))) == drawn)
    model = cut_along(0, world)
    ai.initialize(model, FUSED, rng=SEED)
    with torch.no_grad():
        # The rows of the part k.
        for part, (rows, _) in held_boxes(model.qkv.weight):
            part[max(5 - rows.start, 0) : max(10 - rows.start, 0)] += 100.0
    found["faults"] = [fault.partition(":")[0] for fault in plan.audit(model, communicate=True).faults]
    return found
