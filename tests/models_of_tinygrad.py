"""The transformer of models_of_frameworks.py in tinygrad, as plain classes."""

from __future__ import annotations

import os
from typing import Any

from models_of_frameworks import CLASSES, EPSILON, HEADS, IMAGES, INNER, TOKENS, WIDTH, Result, filled, weights
from peers import peer

# Read when tinygrad is imported: this device needs no compiler.
os.environ.setdefault("DEV", "PYTHON")


def tinygrad_result() -> Result:
    """Return the weights and the logits."""
    nn, tensor = peer("tinygrad.nn"), peer("tinygrad").Tensor

    class Attention:
        def __init__(self) -> None:
            self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

        def __call__(self, x: Any) -> Any:
            q, k, v = (
                part(x).reshape(-1, TOKENS, HEADS, WIDTH // HEADS).transpose(1, 2)
                for part in (self.query, self.key, self.value)
            )
            return self.out(q.scaled_dot_product_attention(k, v).transpose(1, 2).reshape(-1, TOKENS, WIDTH))

    class Block:
        def __init__(self) -> None:
            self.norm, self.norm_1 = (nn.LayerNorm(WIDTH, eps=EPSILON) for _ in range(2))
            self.attention = Attention()
            self.dense, self.dense_1 = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)

        def __call__(self, x: Any) -> Any:
            x = x + self.attention(self.norm(x))
            return x + self.dense_1(self.dense(self.norm_1(x)).relu())

    class Model:
        def __init__(self) -> None:
            self.stem = nn.Conv2d(3, WIDTH, 3, stride=2)
            self.position = tensor.empty(TOKENS, WIDTH)
            self.block, self.block_1 = Block(), Block()
            self.norm, self.head = nn.LayerNorm(WIDTH, eps=EPSILON), nn.Linear(WIDTH, CLASSES)

        def __call__(self, x: Any) -> Any:
            x = self.stem(x).flatten(2).transpose(1, 2) + self.position
            return self.head(self.norm(self.block_1(self.block(x))).mean(1))

    empty = Model()
    model = filled(empty)
    assert model is empty
    return weights(model), model(tensor(IMAGES.transpose(0, 3, 1, 2).copy())).numpy()
