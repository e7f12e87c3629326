"""A model that no number of processes shares evenly, its rules, and a digest of its whole state."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import torch
from torch import nn
from torch.distributed.fsdp import fully_shard

import arrayinit as ai

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
