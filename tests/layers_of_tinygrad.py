"""Layers of tinygrad, with the names, shapes and layouts of their parameters."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from layers_of_frameworks import CHANNELS_FIRST, Layer
from peers import peer

# Read when tinygrad is imported: this device needs no compiler.
os.environ.setdefault("DEV", "PYTHON")


def tinygrad_layers() -> dict[str, Layer]:
    """Return the layers that have parameters."""
    nn, tensor = peer("tinygrad.nn"), peer("tinygrad").Tensor

    def call(layer: Any, x: np.ndarray) -> np.ndarray:
        return layer(tensor(x)).numpy()

    convolution = {"weight": "6x2x3x3 OI... in 2 groups", "bias": "6 -"}
    transposed = {"weight": "4x3x3x3 IO... in 2 groups", "bias": "6 -"}
    cell = {"weight_ih": "16x3 OI", "weight_hh": "16x4 OI", "bias_ih": "16 -", "bias_hh": "16 -"}
    norm = {"weight": "3 -", "bias": "3 -"}
    statistics = {"num_batches_tracked": "() - buffer", "running_mean": "3 - buffer", "running_var": "3 - buffer"}
    return {
        "Linear": Layer(nn.Linear(4, 3), call, {"weight": "3x4 OI", "bias": "3 -"}, (1, 4)),
        "Embedding": Layer(nn.Embedding(5, 3), call, {"weight": "5x3 OI"}),
        "Conv1d": Layer(nn.Conv1d(4, 6, 3), call, {"weight": "6x4x3 OI...", "bias": "6 -"}, (1, 4, 9)),
        "Conv2d": Layer(nn.Conv2d(4, 6, 3, groups=2), call, convolution, CHANNELS_FIRST),
        "ConvTranspose2d": Layer(nn.ConvTranspose2d(4, 6, 3, groups=2), call, transposed, CHANNELS_FIRST),
        "LSTMCell": Layer(nn.LSTMCell(3, 4), call, cell),
        "BatchNorm": Layer(nn.BatchNorm(3), call, norm | statistics),
        "LayerNorm": Layer(nn.LayerNorm(3), call, norm),
    }
