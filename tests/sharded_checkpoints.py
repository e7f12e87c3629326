"""A sharded model that starts from a file, of which each process reads its own shards."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file, save_model
from sharded_model import RULES, SEED, Model, by_layer, digest, on_meta
from torch.distributed.tensor.debug import CommDebugMode

import arrayinit as ai


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
