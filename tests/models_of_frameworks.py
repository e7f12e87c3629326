"""One transformer with a convolutional stem, its rules, and the model of torch, with which the other frameworks agree.

Each function of a framework returns the weights by the names that were folded into the seed, and the logits.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from peers import peer

import arrayinit as ai
from arrayinit.backends.registry import backend_of
from arrayinit.models.readers import read

WIDTH, HEADS, INNER, CLASSES = 16, 2, 32, 10
# The stem leaves 3x3 of 8x8 pixels.
TOKENS = 9
EPSILON = 1e-5
IMAGES = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
SEED = 7

RULES: list[Any] = [
    (re.compile(r"\.(bias|b|beta|offset)$"), ai.normal(std=0.05)),
    ("norm*.*", ai.normal(mean=1.0, std=0.1)),
    ("position", ai.trunc_normal(std=0.02)),
    ("stem.*", ai.kaiming_normal(nonlinearity="relu")),
    ("attention.out.*", ai.xavier_uniform() / 2.0),
    ("attention.*.*", ai.xavier_uniform()),
    ("head.*", ai.uniform(-0.5, 0.5)),
    ("**", ai.lecun_normal()),
]

Result = tuple[dict[str, np.ndarray], np.ndarray]


def filled(model: Any, **options: Any) -> Any:
    """Return the model with its weights."""
    return ai.initialize(model, RULES, rng=SEED, rename="torch", **options)


def weights(model: Any) -> dict[str, np.ndarray]:
    """Return the weights by the names that were folded into the seed."""
    steps = ai.plan(model, RULES, rename="torch")
    forms = [list(backend_of(p.array).read(p.array)) for p in read(model).parameters]
    return {step.seed_name: np.asarray(array) for step, (*_, array) in zip(steps, forms, strict=True)}


def torch_result() -> Result:
    """In torch, from the meta device."""
    torch = peer("torch")
    nn, functional = torch.nn, torch.nn.functional

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

        def forward(self, x: Any) -> Any:
            q, k, v = (
                part(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
            )
            return self.out(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.norm_1 = (nn.LayerNorm(WIDTH, eps=EPSILON) for _ in range(2))
            self.attention = Attention()
            self.dense, self.dense_1 = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.norm(x))
            return x + self.dense_1(self.dense(self.norm_1(x)).relu())

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, WIDTH, 3, stride=2)
            self.position = nn.Parameter(torch.empty(TOKENS, WIDTH))
            self.block, self.block_1 = Block(), Block()
            self.norm, self.head = nn.LayerNorm(WIDTH, eps=EPSILON), nn.Linear(WIDTH, CLASSES)

        def forward(self, x: Any) -> Any:
            x = self.stem(x).flatten(2).mT + self.position
            return self.head(self.norm(self.block_1(self.block(x))).mean(1))

    with torch.device("meta"):
        empty = Model()
    model = filled(empty, device="cpu")
    assert model is empty
    with torch.no_grad():
        logits = model(torch.from_numpy(IMAGES).permute(0, 3, 1, 2))
    return weights(model), logits.numpy()
