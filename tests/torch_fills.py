"""Calls that fill a tensor of torch: each function with each kind of rng, or each kind of source, that it takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, FUNCTIONS, MATRIX
from torch_calls import empty, fill

import arrayinit

with suppress(ImportError):
    import torch

# Each call makes a new generator, in the same state.
RNGS: dict[str, Callable[[], Any]] = {
    "None": lambda: torch.manual_seed(3) and None,
    "torch.Generator": lambda: torch.Generator().manual_seed(3),
    "np.random.Generator": lambda: np.random.default_rng(3),
    "int": lambda: 3,
    "list": lambda: [3, 4],
    "SeedSequence": lambda: np.random.SeedSequence(3),
}
VALUES = np.arange(120.0).reshape(MATRIX)
SOURCES: dict[str, Callable[[], Any]] = {
    "array": lambda: VALUES.astype("float32"),
    "wide array": lambda: VALUES,
    "integers": lambda: VALUES.astype("int64"),
    "list": lambda: VALUES.tolist(),
    "tensor": lambda: torch.from_numpy(VALUES.astype("float32")).clone(),
    "wide tensor": lambda: torch.from_numpy(VALUES).clone(),
    "bfloat16": lambda: torch.from_numpy(VALUES).bfloat16(),
    "parameter": lambda: torch.nn.Parameter(torch.from_numpy(VALUES).float()),
    "transposed": lambda: torch.from_numpy(VALUES).t().contiguous().t(),
    "list of tensors": lambda: list(torch.from_numpy(VALUES).clone()),
}

FILLS: dict[str, Callable[[Any], Any]] = {
    **{
        f"{name} {kind}": lambda x, n=name, rng=rng: fill(n, x, rng=rng())
        for name in DRAWN
        for kind, rng in RNGS.items()
    },
    **{name: lambda x, n=name: fill(n, x) for name in FUNCTIONS if name not in (*DRAWN, "copy_")},
    **{f"copy_ {kind}": lambda x, make=make: arrayinit.copy_(x, make()) for kind, make in SOURCES.items()},
}
every_fill = pytest.mark.parametrize("name", FILLS)


def blank(name: str, **options: Any) -> Any:
    return empty(name.split(maxsplit=1)[0], **options)


def expected(name: str, **options: Any) -> Any:
    return FILLS[name](blank(name, **options))
