"""Deep networks of torch tensors, and what steps of SGD change in them.

The papers of DeepNorm, T-Fixup and Fixup bound the change by the weights, so these networks have weights only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from peers import peer

import arrayinit as ai

WIDTH, WORDS, BATCH = 16, 32, 16
LAYOUT = "OI"

Weights = dict[str, Any]
Network = Callable[[Weights], tuple[Any, Any, Any]]
"""Takes the weights, and returns the activations before the first layer and after the last one, and the logits."""


def empty(*shapes: tuple[str, tuple[int, ...]]) -> Weights:
    """Return weights without values."""
    torch = peer("torch")
    return {f"{name}.weight": torch.empty(shape) for name, shape in shapes}


def transformer(
    encoder: int, decoder: int, alpha: tuple[float | None, float | None] = (None, None)
) -> tuple[Weights, Network]:
    """Return a transformer. A stack without alpha has no normalization."""
    functional = peer("torch").nn.functional
    depths = {name: depth for name, depth in (("encoder", encoder), ("decoder", decoder)) if depth}
    alphas = dict(zip(("encoder", "decoder"), alpha, strict=True))
    square = (WIDTH, WIDTH)
    shapes: list[tuple[str, tuple[int, ...]]] = []
    for stack, depth in depths.items():
        shapes.append((f"{stack}.embedding", (WORDS, WIDTH)))
        for layer in (f"{stack}.layers.{i}" for i in range(depth)):
            attentions = (
                ("attention", "encoder_attention") if len(depths) == 2 and stack == "decoder" else ("attention",)
            )
            shapes += [(f"{layer}.{name}.{part}", square) for name in attentions for part in ("q", "k", "v", "out")]
            shapes += [(f"{layer}.fc1", (4 * WIDTH, WIDTH)), (f"{layer}.fc2", (WIDTH, 4 * WIDTH))]
    weights = empty(*shapes, ("head", (WORDS, WIDTH)))
    words = peer("torch").arange(BATCH).reshape(2, -1)

    def attention(w: Weights, at: str, x: Any, source: Any) -> Any:
        q, k, v, out = (w[f"{at}.{part}.weight"] for part in ("q", "k", "v", "out"))
        return functional.scaled_dot_product_attention(x @ q.T, source @ k.T, source @ v.T) @ out.T

    def network(w: Weights) -> tuple[Any, Any, Any]:
        encoded = before = x = None
        for stack, depth in depths.items():
            scale = alphas[stack]

            def joined(x: Any, y: Any, scale: float | None = scale) -> Any:
                return x + y if scale is None else functional.layer_norm(scale * x + y, (WIDTH,))

            encoded, before = x, w[f"{stack}.embedding.weight"][words] * math.sqrt(WIDTH)
            x = before
            for layer in (f"{stack}.layers.{i}" for i in range(depth)):
                x = joined(x, attention(w, f"{layer}.attention", x, x))
                if encoded is not None:
                    x = joined(x, attention(w, f"{layer}.encoder_attention", x, encoded))
                x = joined(x, (x @ w[f"{layer}.fc1.weight"].T).relu() @ w[f"{layer}.fc2.weight"].T)
        return before, x, x @ w["head.weight"].T

    return weights, network


def residual(depth: int, layers: int) -> tuple[Weights, Network]:
    """Return a residual network of blocks with so many layers, in two stages, with the names of Fixup's authors."""
    blocks = [f"layer{1 + (i >= depth // 4)}.{i}" for i in range(depth)]
    convolutions = [f"{block}.conv{i}" for block in blocks for i in range(1, layers + 1)]
    weights = empty(*((name, (WIDTH, WIDTH)) for name in ("conv1", *convolutions)), ("fc", (WORDS, WIDTH)))
    torch = peer("torch")
    images = torch.randn(BATCH, WIDTH, generator=torch.Generator().manual_seed(0))

    def network(w: Weights) -> tuple[Any, Any, Any]:
        before = x = (images @ w["conv1.weight"].T).relu()
        for block in blocks:
            y = x
            for i in range(1, layers + 1):
                y = (y.relu() if i > 1 else y) @ w[f"{block}.conv{i}.weight"].T
            x = (x + y).relu()
        return before, x, x @ w["fc.weight"].T

    return weights, network


class Change(NamedTuple):
    """What steps of SGD do, in root mean squares."""

    growth: float
    """The activations after the last layer, divided by those before the first one."""
    update: float
    """The change of the activations after the last layer."""


def change(weights: Weights, network: Network, rules: Any, rate: float, steps: int = 1) -> Change:
    """Fill the weights, take steps of SGD, and return what they change."""
    torch = peer("torch")
    ai.initialize(weights, rules, rng=0)
    trained = [x.requires_grad_() for x in weights.values()]
    target = torch.arange(BATCH) % 7
    features: list[Any] = []
    for _ in range(steps):
        _, x, logits = network(weights)
        features.append(x.detach())
        loss = torch.nn.functional.cross_entropy(logits.reshape(BATCH, WORDS), target)
        gradients = torch.autograd.grad(loss, trained)
        with torch.no_grad():
            for weight, gradient in zip(trained, gradients, strict=True):
                weight.sub_(gradient, alpha=rate)
    with torch.no_grad():
        before, after, _ = network(weights)
    return Change(_rms(after) / _rms(before), _rms(after - features[0]))


def _rms(x: Any) -> float:
    return float(x.square().mean().sqrt())
