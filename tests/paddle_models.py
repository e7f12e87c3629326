"""Layers of Paddle, and in Paddle the transformer that the other frameworks have."""

from __future__ import annotations

from typing import Any

import numpy as np
from layers_of_frameworks import Layer
from models_of_frameworks import CLASSES, EPSILON, HEADS, IMAGES, INNER, TOKENS, WIDTH, Result, filled, weights
from peers import peer


def layers() -> dict[str, Layer]:
    """Layers of Paddle."""
    paddle = peer("paddle")
    nn = paddle.nn

    def call(layer: Any, x: np.ndarray) -> Any:
        return layer(paddle.to_tensor(x)).numpy()

    def twice(layer: Any, x: np.ndarray) -> Any:
        return layer(paddle.to_tensor(x), paddle.to_tensor(x)).numpy()

    cell = {"weight_ih": "12x3 OI", "weight_hh": "12x4 OI", "bias_ih": "12 -", "bias_hh": "12 -"}
    lstm = {
        f"{kind}_l{layer}{way}": f"16x{size} OI" if size else "16 -"
        for layer in (0, 1)
        for way in ("", "_reverse")
        for kind, size in {"weight_ih": 8 if layer else 3, "weight_hh": 4, "bias_ih": 0, "bias_hh": 0}.items()
    } | {"_dropout_state": "() - buffer"}
    attention = {
        f"{role}_proj.{part}": text
        for role in ("q", "k", "v", "out")
        for part, text in {"weight": "4x4 IO", "bias": "4 -"}.items()
    }
    norm = {"weight": "3 -", "bias": "3 -", "_mean": "3 - buffer", "_variance": "3 - buffer"}
    made = {
        "Linear": Layer(nn.Linear(4, 3), call, {"weight": "4x3 IO", "bias": "3 -"}, (1, 4)),
        "Bilinear": Layer(nn.Bilinear(4, 4, 3), twice, {"weight": "3x4x4 OII", "bias": "1x3 -"}, (1, 4)),
        "Embedding": Layer(nn.Embedding(5, 3), call, {"weight": "5x3 OI"}),
        "LSTM": Layer(nn.LSTM(3, 4, 2, direction="bidirect"), call, lstm),
        "GRUCell": Layer(nn.GRUCell(3, 4), call, cell),
        "RNN of a cell": Layer(nn.RNN(nn.GRUCell(3, 4)), call, {f"cell.{key}": text for key, text in cell.items()}),
        "MultiHeadAttention": Layer(nn.MultiHeadAttention(4, 2), call, attention),
        "BatchNorm2D": Layer(nn.BatchNorm2D(3), call, norm),
        "SyncBatchNorm": Layer(nn.SyncBatchNorm(3), call, norm),
        "BatchNorm": Layer(nn.BatchNorm(3), call, norm),
        "InstanceNorm2D": Layer(nn.InstanceNorm2D(3), call, {"scale": "3 -", "bias": "3 -"}),
        "SpectralNorm": Layer(nn.SpectralNorm([3, 4]), call, {"weight_u": "3 - buffer", "weight_v": "4 - buffer"}),
        "PReLU": Layer(nn.PReLU(3), call, {"_weight": "3 -"}),
        "sparse Conv3D": Layer(paddle.sparse.nn.Conv3D(4, 6, 3), call, {"weight": "3x3x3x4x6 ...IO", "bias": "6 -"}),
    }
    for n in (1, 2, 3):
        kernel, inputs = "x".join("3" * n), (1, 4, *[9] * n)
        convolution, transposed = getattr(nn, f"Conv{n}D"), getattr(nn, f"Conv{n}DTranspose")
        for kind, layer, weight in (
            (f"Conv{n}D", convolution(4, 6, 3, groups=2), f"6x2x{kernel} OI... in 2 groups"),
            (f"Conv{n}DTranspose", transposed(4, 6, 3), f"4x6x{kernel} IO..."),
            (f"Conv{n}DTranspose with groups", transposed(4, 6, 3, groups=2), f"4x3x{kernel} IO... in 2 groups"),
        ):
            made[kind] = Layer(layer, call, {"weight": weight, "bias": "6 -"}, inputs)
    return made


def result() -> Result:
    """Return the weights of the transformer, and its logits."""
    paddle = peer("paddle")
    nn, functional = paddle.nn, paddle.nn.functional

    class Attention(nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

        def forward(self, x: Any) -> Any:
            q, k, v = (
                part(x).reshape([len(x), TOKENS, HEADS, -1]).transpose([0, 2, 1, 3])
                for part in (self.query, self.key, self.value)
            )
            scores = functional.softmax(q @ k.transpose([0, 1, 3, 2]) / (WIDTH // HEADS) ** 0.5)
            return self.out((scores @ v).transpose([0, 2, 1, 3]).reshape([len(x), TOKENS, WIDTH]))

    class Block(nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.norm_1 = (nn.LayerNorm(WIDTH, epsilon=EPSILON) for _ in range(2))
            self.attention = Attention()
            self.dense, self.dense_1 = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.norm(x))
            return x + self.dense_1(functional.relu(self.dense(self.norm_1(x))))

    class Model(nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2D(3, WIDTH, 3, stride=2)
            self.position = self.create_parameter([TOKENS, WIDTH])
            self.block, self.block_1 = Block(), Block()
            self.norm, self.head = nn.LayerNorm(WIDTH, epsilon=EPSILON), nn.Linear(WIDTH, CLASSES)

        def forward(self, x: Any) -> Any:
            x = self.stem(x).flatten(2).transpose([0, 2, 1]) + self.position
            return self.head(self.norm(self.block_1(self.block(x))).mean(1))

    model = Model()
    assert filled(model) is model
    with paddle.no_grad():
        logits = model(paddle.to_tensor(IMAGES.transpose(0, 3, 1, 2)))
    return weights(model), logits.numpy()
