"""Every function that fills torch tensors: a shape that it takes, and arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

import arrayinit

MATRIX, KERNEL = (12, 10), (6, 5, 3, 4)
CALLS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "uniform_": (KERNEL, {"a": -1.0}),
    "normal_": (KERNEL, {"mean": 1.0}),
    "trunc_normal_": (KERNEL, {"a": -1.0}),
    "constant_": (KERNEL, {"val": 0.3}),
    "ones_": (KERNEL, {}),
    "zeros_": (KERNEL, {}),
    "eye_": (MATRIX, {}),
    "dirac_": (KERNEL, {"groups": 2}),
    "xavier_uniform_": (KERNEL, {"gain": 2.0}),
    "xavier_normal_": (KERNEL, {"gain": 2.0}),
    "kaiming_uniform_": (KERNEL, {"mode": "fan_out"}),
    "kaiming_normal_": (KERNEL, {"nonlinearity": "relu"}),
    "orthogonal_": (KERNEL, {"gain": 2.0}),
    "sparse_": (MATRIX, {"sparsity": 0.3}),
    "variance_scaling_": (KERNEL, {"scale": 2.0, "mode": "fan_avg"}),
    "lecun_uniform_": (KERNEL, {}),
    "lecun_normal_": (KERNEL, {}),
    "delta_orthogonal_": (KERNEL, {"gain": 2.0}),
    "copy_": (MATRIX, {"source": np.arange(120.0).reshape(MATRIX)}),
}
RANDOM = tuple(name for name in CALLS if name not in ("constant_", "ones_", "zeros_", "eye_", "dirac_", "copy_"))


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
