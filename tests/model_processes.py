"""Real processes that wrap and shard models, and initialize them by rules; each says what it found.

    python model_processes.py WORLD_SIZES DIRECTORY

starts the processes of each of the world sizes, "1,2" for instance, as forks. Process 0 of 2 writes 2-0.json: by the
name of each case, a sha256 of the whole state, and what is asked of it. All memory that torch gives is filled with NaN.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch._dynamo  # Once, and not in each process.
import torch.distributed as dist
from forked import main
from sharded_checkpoints import of_checkpoint
from sharded_model import RULES, SEED, Model, by_hand, by_layer, digest, nans, on_meta
from sharded_parts import of_fused
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule, FullyShardedDataParallel, fully_shard
from torch.distributed.tensor.debug import CommDebugMode
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.nn.parallel import DistributedDataParallel

import arrayinit as ai


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
