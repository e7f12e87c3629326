"""Models of torch that mup rescales, and the rules that start them as torch does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from peers import peer

import arrayinit as ai

BASE = 16


def mlp(mup: Any, width: int) -> Any:
    """Return layers of all kinds without attention: a convolution for each channel has one infinite axis."""
    nn = peer("torch").nn
    return nn.ModuleDict(
        {
            "conv": nn.Conv2d(3, width, 3),
            "wide": nn.Conv2d(width, 2 * width, 3),
            "depthwise": nn.Conv2d(2 * width, 2 * width, 3, groups=2 * width),
            "fc": nn.Linear(2 * width, width),
            "bilinear": nn.Linear(width, width, bias=False),
            "norm": nn.LayerNorm(width),
            "fixed": nn.Linear(5, 7),
            "readout": mup.MuReadout(width, 10),
        }
    )


def transformer(mup: Any, width: int, *, is_tied: bool) -> Any:
    nn = peer("torch").nn
    embedding = nn.Embedding(33, width)
    layers = [
        nn.ModuleDict(
            {
                **{name: nn.Linear(width, width) for name in ("q", "k", "v", "out")},
                "fc1": nn.Linear(width, 4 * width),
                "fc2": nn.Linear(4 * width, width),
                "norm": nn.LayerNorm(width),
            }
        )
        for _ in range(2)
    ]
    readout = mup.MuSharedReadout(embedding.weight) if is_tied else mup.MuReadout(width, 33)
    parts = {"tokens": embedding, "positions": nn.Embedding(9, width), "layers": nn.ModuleList(layers)}
    return nn.ModuleDict({**parts, "readout": readout})


def tied(mup: Any, width: int) -> Any:
    return transformer(mup, width, is_tied=True)


def untied(mup: Any, width: int) -> Any:
    return transformer(mup, width, is_tied=False)


MODELS = (mlp, tied, untied)
Build = Callable[[Any, int], Any]


def bias_of_torch(p: Any) -> ai.Initializer:
    weight = p.module.weight
    bound = 1.0 / math.sqrt(weight[0].numel())
    return ai.uniform(-bound, bound)


DEFAULTS_OF_TORCH = [
    ai.Rule("norm.weight", ai.ones()),
    ai.Rule("norm.bias", ai.zeros()),
    ai.Rule("tokens.weight", ai.normal(), optional=True),
    ai.Rule("positions.weight", ai.normal(), optional=True),
    ("bias", bias_of_torch),
    ("weight", ai.kaiming_uniform(a=math.sqrt(5))),
]


def based(mup: Any, build: Build, width: int) -> Any:
    """Return a model that torch has initialized, and mup has rescaled; and the factor for each parameter."""
    model = build(mup, width)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    mup.set_base_shapes(model, build(mup, BASE), delta=build(mup, BASE + 1))
    after = {name: p.detach() for name, p in model.named_parameters()}
    return model, {name: float(after[name].norm() / x.norm()) if x.any() else 1.0 for name, x in before.items()}
