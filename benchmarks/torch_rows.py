"""torch tensors against torch.nn.init."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

import arrayinit as ai
from benchmarks.sections import LARGE, SIZES, SMALL
from benchmarks.timing import Pair

DTYPES = (torch.float32, torch.bfloat16)
RNGS: dict[str, dict[str, Any]] = {"native": {}, "seed": {"rng": 0}}

# Name, other arguments, and the shape if it is not the matrix of the row.
Call = tuple[str, tuple[float, ...], tuple[int, ...] | None]

SIMPLE: dict[str, Call] = {
    name: (name, (), None)
    for name in (
        "uniform_",
        "normal_",
        "trunc_normal_",
        "xavier_uniform_",
        "xavier_normal_",
        "kaiming_uniform_",
        "kaiming_normal_",
    )
}
SPARSE: dict[str, Call] = {"sparse_ .9": ("sparse_", (0.9,), None)}
FLOAT32_ONLY: dict[str, Call] = {"orthogonal_ 1024": ("orthogonal_", (), (1024, 1024))}
NOT_RANDOM: dict[str, Call] = {"dirac_ 512": ("dirac_", (), (512, 512, 3, 3))}


def pairs(side: int) -> Iterator[Pair]:
    """Return every random function of torch.nn.init, and its dirac_."""
    for dtype in DTYPES:
        x = torch.empty((side, side), dtype=dtype)
        # A smaller matrix, for which the peer takes a second.
        far: dict[str, Call] = {
            "trunc_normal_ on 2 to 3": ("trunc_normal_", (0.0, 1.0, 2.0, 3.0), (side // 4, side // 4))
        }
        calls = SIMPLE | far | SPARSE | (FLOAT32_ONLY if dtype is torch.float32 else {})
        for rng in RNGS:
            for label, call in (calls | (NOT_RANDOM if rng == "native" else {})).items():
                yield pair(LARGE, "torch", x, rng, label, call)


def small_pairs() -> Iterator[Pair]:
    """Return the same on small matrices."""
    for size in SIZES:
        for rng in RNGS:
            for label, call in (SIMPLE | {"orthogonal_": ("orthogonal_", (), None)}).items():
                yield pair(SMALL, f"torch {size} x {size}", torch.empty((size, size)), rng, label, call)


def pair(section: Any, name: str, matrix: torch.Tensor, rng: str, label: str, call: Call) -> Pair:
    function, arguments, shape = call
    x = matrix if shape is None else torch.empty(shape, dtype=matrix.dtype, device=matrix.device)
    return Pair(
        section,
        f"{name}, {str(matrix.dtype).removeprefix('torch.')}, {rng}: {label}",
        partial(getattr(torch.nn.init, function), x, *arguments),
        partial(getattr(ai, function), x, *arguments, **RNGS[rng]),
    )
