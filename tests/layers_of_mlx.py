"""Layers of MLX, with the names, shapes and layouts of their parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from layers_of_frameworks import IMAGE, Layer
from peers import peer


def mlx_layers() -> dict[str, Layer]:
    """Return the layers that have parameters."""
    mx, nn = peer("mlx.core"), peer("mlx.nn")

    def call(layer: Any, x: np.ndarray) -> np.ndarray:
        return np.array(layer(mx.array(x)))

    def twice(layer: Any, x: np.ndarray) -> np.ndarray:
        return np.array(layer(mx.array(x), mx.array(x)))

    def linear(out: int, into: int, *prefixes: str) -> dict[str, str]:
        return {
            f"{prefix}{part}": text
            for prefix in prefixes or ("",)
            for part, text in {"weight": f"{out}x{into} OI", "bias": f"{out} -"}.items()
        }

    frozen = nn.Linear(4, 3)
    frozen.freeze()
    norm = {"weight": "3 -", "bias": "3 -"}
    layers = {
        "Linear": Layer(nn.Linear(4, 3), call, linear(3, 4), (1, 4)),
        "Linear, frozen": Layer(frozen, call, linear(3, 4), (1, 4)),
        "Bilinear": Layer(nn.Bilinear(4, 4, 3), twice, {"weight": "3x4x4 OII", "bias": "3 -"}, (1, 4)),
        "Embedding": Layer(nn.Embedding(5, 3), call, {"weight": "5x3 OI"}),
        "Conv2d in groups": Layer(
            nn.Conv2d(4, 6, 3, groups=2), call, {"weight": "6x3x3x2 O...I in 2 groups", "bias": "6 -"}, IMAGE
        ),
        "RNN": Layer(nn.RNN(3, 4), call, {"Wxh": "4x3 OI", "Whh": "4x4 OI", "bias": "4 -"}),
        "GRU": Layer(nn.GRU(3, 4), call, {"Wx": "12x3 OI", "Wh": "12x4 OI", "b": "12 -", "bhn": "4 -"}),
        "LSTM": Layer(nn.LSTM(3, 4), call, {"Wx": "16x3 OI", "Wh": "16x4 OI", "bias": "16 -"}),
        "LayerNorm": Layer(nn.LayerNorm(3), call, norm),
        "BatchNorm": Layer(nn.BatchNorm(3), call, norm | {"running_mean": "3 - buffer", "running_var": "3 - buffer"}),
        "MultiHeadAttention": Layer(
            nn.MultiHeadAttention(4, 2),
            call,
            {f"{role}_proj.weight": "4x4 OI" for role in ("query", "key", "value", "out")},
        ),
        "Sequential": Layer(
            nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3)),
            call,
            linear(3, 4, "layers.0.") | linear(3, 3, "layers.2."),
        ),
    }
    for n in (1, 2, 3):
        kernel, inputs = "x".join("3" * n), (1, *[9] * n, 4)
        described = {"weight": f"6x{kernel}x4 O...I", "bias": "6 -"}
        layers[f"Conv{n}d"] = Layer(getattr(nn, f"Conv{n}d")(4, 6, 3), call, described, inputs)
        layers[f"ConvTranspose{n}d"] = Layer(getattr(nn, f"ConvTranspose{n}d")(4, 6, 3), call, described, inputs)
    return layers
