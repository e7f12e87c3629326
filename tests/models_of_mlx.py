"""The transformer of models_of_frameworks.py in MLX."""

from __future__ import annotations

from typing import Any

import numpy as np
from models_of_frameworks import CLASSES, EPSILON, HEADS, IMAGES, INNER, TOKENS, WIDTH, Result, filled, weights
from peers import peer


def mlx_result() -> Result:
    """Return the weights and the logits of a module whose first weights are never computed."""
    mx, nn = peer("mlx.core"), peer("mlx.nn")

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

        def __call__(self, x: Any) -> Any:
            q, k, v = (
                part(x).reshape(len(x), TOKENS, HEADS, -1).transpose(0, 2, 1, 3)
                for part in (self.query, self.key, self.value)
            )
            y = mx.fast.scaled_dot_product_attention(q, k, v, scale=(WIDTH // HEADS) ** -0.5)
            return self.out(y.transpose(0, 2, 1, 3).reshape(len(x), TOKENS, WIDTH))

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.norm_1 = (nn.LayerNorm(WIDTH, eps=EPSILON) for _ in range(2))
            self.attention = Attention()
            self.dense, self.dense_1 = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)

        def __call__(self, x: Any) -> Any:
            x = x + self.attention(self.norm(x))
            return x + self.dense_1(nn.relu(self.dense(self.norm_1(x))))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, WIDTH, 3, stride=2)
            self.position = mx.zeros((TOKENS, WIDTH))
            self.block, self.block_1 = Block(), Block()
            self.norm, self.head = nn.LayerNorm(WIDTH, eps=EPSILON), nn.Linear(WIDTH, CLASSES)

        def __call__(self, x: Any) -> Any:
            x = self.stem(x).reshape(-1, TOKENS, WIDTH) + self.position
            return self.head(self.norm(self.block_1(self.block(x))).mean(1))

    empty = Model()
    model = filled(empty)
    assert model is empty
    return weights(model), np.array(model(mx.array(IMAGES)))
