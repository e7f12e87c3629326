"""The compiled core: each instruction set against torch, and all that it does against NumPy's operations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

import arrayinit as ai
from arrayinit.stream import extension
from benchmarks.sections import CORE, SMALL, WITHOUT
from benchmarks.timing import Fill, Pair

CALLS = ("uniform_", "normal_", "trunc_normal_")

# Distributions that peers lack, or have in one dtype only.
OTHERS: dict[str, tuple[str, tuple[float, ...], tuple[str, ...]]] = {
    "uniform_": ("uniform_", (), ("float32", "float64", "complex64", "float16")),
    "normal_": ("normal_", (), ("float32", "float64", "complex64", "complex128", "float16")),
    "trunc_normal_": ("trunc_normal_", (), ("float32", "float64")),
    "trunc_normal_ on -1 to 3": ("trunc_normal_", (0.0, 1.0, -1.0, 3.0), ("float32", "float64")),
    "trunc_normal_ on 2 to 3": ("trunc_normal_", (0.0, 1.0, 2.0, 3.0), ("float32", "float64")),
}
MODELS, LAYERS = 1000, 3


def pairs(side: int) -> Iterator[Pair]:
    """Return the instruction sets, then the distributions."""
    core, x = extension.core(), torch.empty((side, side))
    if core is None:
        return
    for name in (*core.instruction_sets(), "none"):
        for call in CALLS:
            peer, ours = partial(getattr(torch.nn.init, call), x), partial(getattr(ai, call), x, rng=0)
            yield Pair(CORE, f"torch, float32, seed, {name}: {call}", peer, on(core, name, ours))
    for label, (call, arguments, dtypes) in OTHERS.items():
        for dtype in dtypes:
            size = side if dtype in ("float16", "float32") else side // 2
            ours = partial(getattr(ai, call), np.empty((size, size), dtype), *arguments, rng=0)
            yield Pair(WITHOUT, f"core, {dtype}: {label}", on(core, "none", ours), ours)


def on(core: Any, name: str, fill: Fill) -> Fill:
    """Return the call on an instruction set, or without the core."""

    def filled() -> None:
        if name == "none":
            with patch.object(extension, "core", lambda: None):
                fill()
            return
        core.use(name)
        fill()
        core.use(extension.instruction_set())

    return filled


def small_pairs() -> Iterator[Pair]:
    """Return a thousand models of small parameters, each from a seed of its own."""
    sizes = {"weight": (16, 16), "bias": (16,)}
    names = [(f"layers.{k}.{name}", size) for k in range(LAYERS) for name, size in sizes.items()]
    models = [[(name, torch.nn.Parameter(torch.empty(size))) for name, size in names] for _ in range(MODELS)]

    def peer() -> None:
        for model in models:
            for _, p in model:
                torch.nn.init.kaiming_uniform_(p) if p.ndim > 1 else torch.nn.init.uniform_(p, -0.25, 0.25)

    def ours() -> None:
        for seed, model in enumerate(models):
            for name, p in model:
                own = ai.fold_in(seed, name)
                ai.kaiming_uniform_(p, rng=own) if p.ndim > 1 else ai.uniform_(p, -0.25, 0.25, rng=own)

    yield Pair(SMALL, f"torch, {MODELS:,} models of {len(names)} small parameters, fold_in", peer, ours)
