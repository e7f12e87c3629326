"""Every function that fills torch tensors: a shape that it takes, and arguments."""

from __future__ import annotations

from typing import Any

import arrayinit
from arrayinit.testing.cases import CASES, KERNEL, MATRIX

__all__ = ["CALLS", "KERNEL", "MATRIX", "RANDOM", "empty", "fill", "filled"]

# Of the rows of a function the first.
CALLS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {}
for _case in CASES:
    CALLS.setdefault(_case.name, (_case.shape, dict(_case.arguments)))
RANDOM = tuple(dict.fromkeys(case.name for case in CASES if case.is_drawn))


def empty(name: str, **options: Any) -> Any:
    """A tensor for the function, that shows what was left unwritten."""
    import torch

    return torch.full(CALLS[name][0], 7.0, **options)


def fill(name: str, x: Any, **rng: Any) -> Any:
    return getattr(arrayinit, name)(x, **CALLS[name][1], **rng)


def filled(name: str, seed: int = 3) -> Any:
    """What the global generator gives after this seed."""
    import torch

    torch.manual_seed(seed)
    return fill(name, empty(name))
