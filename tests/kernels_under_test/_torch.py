"""Triton's kernels in its interpreter, and the shard of a DTensor that one of many processes holds."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from boxes import STORED

from arrayinit.kernels.draw import Draw
from kernels_under_test.kernel import Corner, Kernel


def _tensor(draw: Draw, x: np.ndarray) -> Any:
    import torch

    shared = torch.from_numpy(x)
    return shared.view(getattr(torch, draw.dtype.name)) if draw.dtype.name in STORED else shared


def _by_triton(draw: Draw, x: np.ndarray, corner: list[int]) -> None:
    from arrayinit.kernels._triton_launch import fill_device

    fill_device(_tensor(draw, x), draw, corner)


def _step(whole: int, size: int) -> int:
    """Return what each of at most three processes holds along an axis, about ``size`` elements."""
    return -(-whole // min(3, -(-whole // size)))


def _held(shape: Corner, corner: Corner, size: Corner) -> tuple[Corner, Corner]:
    steps = [_step(whole, part) for whole, part in zip(shape, size, strict=True)]
    first = tuple(start // step * step for start, step in zip(corner, steps, strict=True))
    return first, tuple(min(step, whole - start) for step, whole, start in zip(steps, shape, first, strict=True))


def _process(whole: int, first: int, size: int) -> tuple[int, int]:
    """Return a number of processes along an axis, and the one that holds this side of a box."""
    steps = ((count, -(-whole // count)) for count in (1, 2, 3))
    return next((n, first // step) for n, step in steps if first % step == 0 and size == min(step, whole - first))


def _as_a_process(draw: Draw, x: np.ndarray, corner: list[int]) -> None:
    import torch
    from fake_processes import process
    from torch.distributed.tensor import DTensor, Replicate, Shard

    from arrayinit.backends._torch.dtensor import fill_from_seed

    shape = [draw.shape[k] for k in draw.inverse]
    sides = [_process(*side) for side in zip(shape, corner, x.shape, strict=True)]
    sharded = [k for k, (count, _) in enumerate(sides) if count > 1]
    counts, coordinate = zip(*(sides[k] for k in sharded), strict=True) if sharded else ((1,), (0,))
    with process(int(np.ravel_multi_index(coordinate, counts)), *counts) as mesh:
        placements = [Shard(k) for k in sharded] or [Replicate()]
        stride = torch.empty(shape, device="meta").stride()
        whole = DTensor.from_local(_tensor(draw, x), mesh, placements, shape=torch.Size(shape), stride=stride)
        fill_from_seed(whole, draw)


_INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
KERNELS = {
    "triton": Kernel(
        "torch",
        _by_triton,
        "far boxes",
        60,
        {
            "arrayinit.kernels._triton_launch.TILE": (128, 64),
            "arrayinit.kernels._torch_columns._HELD": (1 << 24, 50),
            "arrayinit.kernels._triton_launch._AT_ONCE": (1 << 30, 150),
        },
        skip="" if _INTERPRETED else "Triton's interpreter is not asked for: TRITON_INTERPRET=1",
    ),
    "DTensor": Kernel("torch", _as_a_process, "boxes", 40, takes_empty=False, near=_held),
}
