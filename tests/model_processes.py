"""Real processes that wrap and shard models, and initialize them by rules; each says what it found.

    python model_processes.py WORLD_SIZES DIRECTORY

starts the processes of each of the world sizes, "1,2" for instance, as forks. Process 0 of 2 writes 2-0.json: by the
name of each case, a sha256 of the whole state, and what is asked of it. All memory that torch gives is filled with NaN.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # Once, and not in each process.
import torch.distributed as dist
from forked import main
from safetensors import safe_open
from safetensors.torch import save_file, save_model
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule, FullyShardedDataParallel, fully_shard
from torch.distributed.tensor import Shard, distribute_module, distribute_tensor
from torch.distributed.tensor.debug import CommDebugMode
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.nn.parallel import DistributedDataParallel

import arrayinit as ai
from arrayinit.backends._torch.dtensor import held_boxes

SEED = 5


class Model(nn.Module):
    """Of sizes that neither 2, nor 3, nor 4 processes share evenly; its head is tied."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(13, 6, padding_idx=2)
        self.up = nn.Linear(6, 9)
        self.norm = nn.BatchNorm1d(9)
        self.down = nn.Linear(9, 7)
        self.convolution = nn.Conv2d(3, 5, (3, 2))
        self.head = nn.Linear(6, 13, bias=False)
        self.head.weight = self.embedding.weight
        self.register_buffer("frequencies", torch.arange(3.0), persistent=False)


RULES: list[Any] = [
    ("frequencies", ai.constant(0.25)),
    (nn.BatchNorm1d, {"weight": ai.ones(), "bias": ai.zeros()}),
    ("running_mean", ai.zeros()),
    ("running_var", ai.ones()),
    ("num_batches_tracked", ai.zeros()),
    ("embedding.weight", ai.normal(std=0.02)),
    ("convolution.weight", ai.kaiming_uniform()),
    ("weight", ai.xavier_normal()),
    ("bias", ai.uniform(-0.1, 0.1)),
]


def by_hand(model: nn.Module) -> None:
    """Fill a model that has memory, as people do without rules."""
    for wrapped, x in [*model.named_parameters(), *model.named_buffers()]:
        name = plain(wrapped)
        seed = ai.fold_in(SEED, name)
        if name == "frequencies":
            ai.constant_(x, 0.25)
        elif name in ("norm.weight", "norm.running_var"):
            ai.ones_(x)
        elif name.startswith("norm."):
            ai.zeros_(x)
        elif name == "embedding.weight":
            whole = ai.normal_(torch.empty(x.shape), std=0.02, rng=seed)
            whole[2] = 0.0
            ai.copy_(x, whole)
        elif name == "convolution.weight":
            ai.kaiming_uniform_(x, rng=seed)
        elif name.endswith("weight"):
            ai.xavier_normal_(x, rng=seed)
        else:
            ai.uniform_(x, -0.1, 0.1, rng=seed)


def plain(name: str) -> str:
    return re.sub(r"(_orig_mod|module|_checkpoint_wrapped_module|_fsdp_wrapped_module)\.", "", name)


def digest(model: nn.Module) -> str:
    """Return a sha256 of the names and the whole arrays."""
    found = hashlib.sha256()
    for name, x in sorted([*model.named_parameters(), *model.named_buffers()], key=lambda named: plain(named[0])):
        whole = x.full_tensor() if hasattr(x, "full_tensor") else x
        found.update(f"{plain(name)} {whole.dtype} {tuple(whole.shape)}".encode())
        found.update(whole.detach().clone().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


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


def nans(model: nn.Module) -> list[str]:
    """Return the names of the arrays of which this process holds a NaN, or the integer that stands for it."""
    parts = ((name, getattr(x, "_local_tensor", x)) for name, x in [*model.named_parameters(), *model.named_buffers()])
    return [name for name, x in parts if ((x != x) | (x == torch.iinfo(torch.int64).max)).any()]  # noqa: PLR0124


def on_meta() -> Any:
    with torch.device("meta"):
        return Model()


def by_layer(model: Any, **options: Any) -> Any:
    # What is tied must be in one group.
    for group in ([model.embedding, model.head], model.up, model.down):
        fully_shard(group, **options)
    return fully_shard(model, **options)


def checkpointed(model: Any) -> Any:
    model.up = checkpoint_wrapper(model.up)
    model.down = fully_shard(checkpoint_wrapper(model.down))
    return fully_shard(model)


def wraps(world: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield models without memory, as processes of this number wrap them."""
    yield "bare", on_meta
    yield "FSDP2 by root", lambda: fully_shard(on_meta())
    yield "FSDP2 by layer", lambda: by_layer(on_meta())
    yield "FSDP2, offloaded", lambda: by_layer(on_meta(), offload_policy=CPUOffloadPolicy(pin_memory=False))
    if world <= 2:
        yield "compiled", lambda: torch.compile(on_meta(), backend="eager")
        yield "FSDP2 and checkpoints", lambda: checkpointed(on_meta())
        yield "FSDP2, compiled", lambda: torch.compile(by_layer(on_meta()), backend="eager")
    if world % 2 == 0:
        grid = dist.init_device_mesh("cpu", (world // 2, 2), mesh_dim_names=("data", "tensor"))

        def in_two_ways() -> Any:
            plan = {"up": ColwiseParallel(), "down": RowwiseParallel()}
            return by_layer(parallelize_module(on_meta(), grid["tensor"], plan), mesh=grid["data"])

        yield "FSDP2 and tensor parallelism", in_two_ways
        yield "HSDP", lambda: by_layer(on_meta(), mesh=grid)


def of_model(make: Callable[[], Any]) -> dict[str, Any]:
    """Give memory to a model and initialize it."""
    model = make()
    plan = ai.plan(model, RULES)
    with CommDebugMode() as filling:
        returned = ai.initialize(model, RULES, rng=SEED, device="cpu")
    return {
        "is itself": returned is model,
        "names": [step.name for step in plan],
        "collectives": filling.get_total_counts(),
        "nans": nans(model),
        "tied": model.head.weight is model.embedding.weight,
        "leaves": all(p.is_leaf and p.requires_grad for p in model.parameters()),
        "audit": plan.audit(model).faults,
        "audit of the whole": plan.audit(model, communicate=True).faults,
        "digest": digest(model),
        "digest after a gathering": digest(gathered(model)),
        "digest by hand": _again(by_hand, model),
        "digest by the plan of the bare model": _again(_by_plan, model),
    }


def gathered(model: Any) -> Any:
    """Return a model whose parameters were gathered, as for a forward pass, and are shards again."""
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.unshard()
            module.reshard()
    return model


def _again(fill: Callable[[Any], None], model: Any) -> str:
    """Return the digest after a model was poisoned and filled in another way."""
    with torch.no_grad():
        for x in [*model.parameters(), *model.buffers()]:
            x.fill_(77)
    fill(model)
    return digest(model)


def _by_plan(model: Any) -> None:
    ai.initialize(model, ai.Plan.from_json(ai.plan(on_meta(), RULES).to_json()), rng=SEED)


def of_ddp() -> dict[str, Any]:
    """DDP takes models that have memory only."""
    model = DistributedDataParallel(Model())
    ai.initialize(model, RULES, rng=SEED)
    names = [step.name for step in ai.plan(model, RULES)]
    inside = model.module
    return {
        "digest": digest(model),
        "names": names,
        "digest by hand": _again(by_hand, model),
        "tied": inside.head.weight is inside.embedding.weight,
    }


def refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except ValueError as error:
        return str(error)
    return "no refusal"


def of_broken_tie() -> dict[str, Any]:
    """Shard each of two tied layers for itself: they are two parameters then."""
    plan = ai.plan(on_meta(), RULES)
    model: Any = Model()
    fully_shard(model.embedding)
    fully_shard(model.head)
    fully_shard(model)
    before = digest(model)
    return {
        "tied": model.head.weight is model.embedding.weight,
        "refusal": refusal(lambda: ai.initialize(model, plan, rng=SEED)),
        "unchanged": digest(model) == before,
    }


def of_fsdp1(use_orig_params: bool) -> dict[str, Any]:
    summon = FullyShardedDataParallel.summon_full_params
    inner: Any = Model()
    # An integer buffer and a tie are in the root.
    inner.down = FullyShardedDataParallel(inner.down, use_orig_params=use_orig_params, device_id=torch.device("cpu"))
    model: Any = FullyShardedDataParallel(inner, use_orig_params=use_orig_params, device_id=torch.device("cpu"))
    with summon(model):
        before = digest(model)
    refused = refusal(lambda: ai.initialize(model, RULES, rng=SEED))
    with summon(model):
        unchanged = digest(model) == before
    with summon(model, recurse=False):
        of_root = refusal(lambda: ai.initialize(model, RULES, rng=SEED))
    with summon(model, writeback=True):
        ai.initialize(model, RULES, rng=SEED)
    with summon(model):
        return {
            "refusal": refused,
            "refusal of what is not summoned": of_root,
            "unchanged": unchanged,
            "digest": digest(model),
            "nans": nans(model),
            "tied": model.head.weight is model.embedding.weight,
        }


def of_faults(rank: int) -> dict[str, Any]:
    """Plant faults into the shard of process 0, and into the padding."""
    model = by_layer(on_meta())
    plan = ai.plan(model, RULES)
    ai.initialize(model, RULES, rng=SEED, device="cpu")
    with torch.no_grad():
        model.embedding.weight += 1.0
        if rank == 0:
            model.up.weight.to_local()[0, 0] = torch.nan
            model.down.bias.to_local()[0] = 3.0
    return {
        "audit": plan.audit(model).faults,
        "audit of the whole": plan.audit(model, communicate=True).faults,
    }


class Counted:
    """An open file of safetensors that counts the elements which are read."""

    def __init__(self, handle: Any) -> None:
        self.handle, self.keys, self.read = handle, handle.keys, 0

    def get_slice(self, name: str) -> Any:
        return Slices(self, self.handle.get_slice(name))

    def get_tensor(self, name: str) -> Any:
        return self.counted(self.handle.get_tensor(name))

    def counted(self, part: Any) -> Any:
        self.read += part.numel()
        return part


class Slices:
    """A tensor of such a file."""

    def __init__(self, file: Counted, held: Any) -> None:
        self.file, self.held = file, held
        self.get_shape, self.get_dtype = held.get_shape, held.get_dtype

    def __getitem__(self, index: Any) -> Any:
        return self.file.counted(self.held[index])


def of_checkpoint() -> dict[str, Any]:
    """Load a sharded model from a file, and from one that has a part of it."""
    whole = ai.initialize(Model(), RULES, rng=SEED)
    with tempfile.TemporaryDirectory() as folder:
        file, part = Path(folder, "model.safetensors"), Path(folder, "part.safetensors")
        save_model(whole, file)
        save_file({name: x for name, x in whole.state_dict().items() if name.startswith(("up", "conv"))}, part)
        by_path = ai.initialize(by_layer(on_meta()), RULES[:1], pretrained=file, device="cpu")
        by_part = ai.initialize(by_layer(on_meta()), RULES, rng=SEED, pretrained=part, device="cpu")
        with safe_open(file, "pt") as handle:
            counted, model = Counted(handle), by_layer(on_meta())
            plan = ai.plan(model, RULES[:1], pretrained=counted)
            before = counted.read
            with CommDebugMode() as filling:
                ai.initialize(model, plan, device="cpu")
            read, faults = counted.read - before, plan.audit(model).faults
    held = [x.to_local() if hasattr(x, "to_local") else x for x in model.state_dict().values()]
    return {
        "digests": [digest(made) for made in (by_path, by_part, model)],
        "tied": model.head.weight is model.embedding.weight,
        "read by the plan": before,
        "read": read,
        "held": sum(x.numel() for x in held) - model.head.weight.to_local().numel(),
        "collectives": filling.get_total_counts(),
        "audit": faults,
    }


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


def find(rank: int, world: int) -> dict[str, Any]:
    """Return what this process found."""
    warnings.simplefilter("ignore")
    torch.use_deterministic_algorithms(True)
    assert torch.empty(3).isnan().all()
    found: dict[str, Any] = {"models": {name: of_model(make) for name, make in wraps(world)}}
    found["poisoned"] = len(nans(fully_shard(on_meta()).to_empty(device="cpu")))
    found["DDP"] = of_ddp()
    found["broken tie"] = of_broken_tie()
    found["faults"] = of_faults(rank)
    found["checkpoint"] = of_checkpoint()
    found["fused"] = of_fused(rank, world)
    if world > 1:
        found["FSDP1"] = {str(original): of_fsdp1(original) for original in (False, True)}
    return found


if __name__ == "__main__":
    main(find)
