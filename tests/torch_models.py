"""A model of torch with a tied head and a buffer, its rules, and a digest of what it holds."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any

import arrayinit as ai

# Without torch, the fixture torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    from torch import nn

RULES: list[Any] = [
    ("embedding.weight", ai.normal(std=0.02)),
    ("weight", ai.kaiming_uniform()),
    ("bias", ai.uniform(-0.1, 0.1)),
]


def made(device: str = "cpu") -> Any:
    """Return a model whose head is tied, with a buffer."""
    with torch.device(device):
        model: Any = nn.ModuleDict(
            {
                "embedding": nn.Embedding(7, 4),
                "body": nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 4)),
                "head": nn.Linear(4, 7),
            }
        )
        model.register_buffer("frequencies", torch.arange(3.0), persistent=False)
    model.head.weight = model.embedding.weight
    return model


def digest(model: Any) -> str:
    """Return a sha256 of the values, and of where they are."""
    found = hashlib.sha256()
    for name, x in [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]:
        if isinstance(x, nn.UninitializedParameter):
            found.update(f"{name} lazy".encode())
            continue
        found.update(f"{name} {x.dtype} {tuple(x.shape)} {x.device}".encode())
        part = getattr(x, "_local_tensor", x).detach()
        if not part.is_meta and part.untyped_storage().nbytes():
            found.update(part.reshape(-1).clone().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
