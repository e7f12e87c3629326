"""Layers of frameworks, with the names, shapes and layouts of their parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from peers import peer

import arrayinit as ai
from arrayinit.models.readers import read

Call = Callable[[Any, np.ndarray], Any]


class Layer(NamedTuple):
    """A layer, how it is called, its parameters, and the shape of an input if it has one kernel alone."""

    model: Any
    call: Call
    parameters: dict[str, str]
    inputs: tuple[int, ...] | None = None


def described(model: Any) -> dict[str, str]:
    """Return each parameter as text: shape, layout, groups, and whether it is a buffer or tied."""
    found: dict[str, str] = {}
    for p in read(model).parameters:
        text = f"{'x'.join(map(str, p.shape)) or '()'} {p.layout or '-'}"
        text += f" in {p.groups} groups" if p.groups > 1 else ""
        text += " buffer" if p.is_buffer else ""
        assert p.name not in found
        found[p.name] = text + (f" = {p.owner}" if p.owner else "")
    return found


def with_ones(model: Any) -> Any:
    """Return the model with a kernel of ones, and zeros elsewhere."""
    return ai.initialize(
        model, [(lambda p: p.local in ("weight", "kernel", "w"), ai.ones()), ai.Rule("**", ai.zeros(), optional=True)]
    )


IMAGE, CHANNELS_FIRST = (1, 9, 9, 4), (1, 4, 9, 9)


def torch_layers() -> dict[str, Layer]:
    """Layers of torch."""
    torch = peer("torch")
    nn = torch.nn

    def call(layer: Any, x: np.ndarray) -> Any:
        return layer(torch.from_numpy(x)).detach().numpy()

    def twice(layer: Any, x: np.ndarray) -> Any:
        return layer(torch.from_numpy(x), torch.from_numpy(x)).detach().numpy()

    cell = {"weight_ih": "12x3 OI", "weight_hh": "12x4 OI", "bias_ih": "12 -", "bias_hh": "12 -"}
    lstm = {
        f"{kind}_l{layer}{way}": f"16x{size} OI" if size else "16 -"
        for layer in (0, 1)
        for way in ("", "_reverse")
        for kind, size in {"weight_ih": 8 if layer else 3, "weight_hh": 4, "bias_ih": 0, "bias_hh": 0}.items()
    }
    layers = {
        "Linear": Layer(nn.Linear(4, 3), call, {"weight": "3x4 OI", "bias": "3 -"}, (1, 4)),
        "Bilinear": Layer(nn.Bilinear(4, 4, 3), twice, {"weight": "3x4x4 OII", "bias": "3 -"}, (1, 4)),
        "Embedding": Layer(nn.Embedding(5, 3), call, {"weight": "5x3 OI"}),
        "EmbeddingBag": Layer(nn.EmbeddingBag(5, 3), call, {"weight": "5x3 OI"}),
        "LSTM": Layer(nn.LSTM(3, 4, 2, bidirectional=True), call, lstm),
        "GRUCell": Layer(nn.GRUCell(3, 4), call, cell),
        "MultiheadAttention": Layer(
            nn.MultiheadAttention(4, 2),
            call,
            {"in_proj_weight": "12x4 OI", "in_proj_bias": "12 -", "out_proj.weight": "4x4 OI", "out_proj.bias": "4 -"},
        ),
        "MultiheadAttention of three widths": Layer(
            nn.MultiheadAttention(4, 2, bias=False, kdim=3, vdim=5),
            call,
            {
                "q_proj_weight": "4x4 OI",
                "k_proj_weight": "4x3 OI",
                "v_proj_weight": "4x5 OI",
                "out_proj.weight": "4x4 OI",
            },
        ),
        "Conv1D of transformers": Layer(
            peer("transformers").pytorch_utils.Conv1D(3, 4), call, {"weight": "4x3 IO", "bias": "3 -"}, (1, 4)
        ),
        "BatchNorm1d": Layer(
            nn.BatchNorm1d(3),
            call,
            {
                "weight": "3 -",
                "bias": "3 -",
                "running_mean": "3 - buffer",
                "running_var": "3 - buffer",
                "num_batches_tracked": "() - buffer",
            },
        ),
    }
    for n in (1, 2, 3):
        kernel, inputs = "x".join("3" * n), (1, 4, *[9] * n)
        layers[f"Conv{n}d"] = Layer(
            getattr(nn, f"Conv{n}d")(4, 6, 3, groups=2),
            call,
            {"weight": f"6x2x{kernel} OI... in 2 groups", "bias": "6 -"},
            inputs,
        )
        layers[f"ConvTranspose{n}d"] = Layer(
            getattr(nn, f"ConvTranspose{n}d")(4, 6, 3), call, {"weight": f"4x6x{kernel} IO...", "bias": "6 -"}, inputs
        )
        # Each group is a weight of its own.
        layers[f"ConvTranspose{n}d with groups"] = Layer(
            getattr(nn, f"ConvTranspose{n}d")(4, 6, 3, groups=2),
            call,
            {"weight": f"4x3x{kernel} IO... in 2 groups", "bias": "6 -"},
            inputs,
        )
    return layers


def plain(layer: Any, x: np.ndarray) -> np.ndarray:
    """Call a layer of JAX."""
    return np.asarray(layer(x))


def nnx_layers() -> dict[str, Layer]:
    """Layers of Flax nnx, which are abstract."""
    nnx = peer("flax.nnx")

    def layer(make: Any, parameters: dict[str, str], inputs: tuple[int, ...] | None = None) -> Layer:
        return Layer(nnx.eval_shape(lambda: make(rngs=nnx.Rngs(0))), plain, parameters, inputs)

    heads = {
        f"{role}.{part}": text
        for role in ("key", "query", "value")
        for part, text in {"kernel": "4x2x3 IOO", "bias": "2x3 -"}.items()
    }
    convolution = {"kernel": "3x3x2x6 ...IO in 2 groups", "bias": "6 -"}
    transposed, turned = {"kernel": "3x3x4x6 ...IO", "bias": "6 -"}, {"kernel": "3x3x6x4 ...OI", "bias": "6 -"}
    general = partial(nnx.LinearGeneral, (3, 4), (5, 6), axis=(1, 2), batch_axis={0: 2})
    einsum = partial(nnx.Einsum, "ab,bcd->acd", (4, 2, 3), (2, 3))
    attention = partial(nnx.MultiHeadAttention, 2, 4, 6, decode=False, dropout_rate=0.5)
    return {
        "Linear": layer(partial(nnx.Linear, 4, 3), {"kernel": "4x3 ...IO", "bias": "3 -"}, (1, 4)),
        "Conv": layer(partial(nnx.Conv, 4, 6, (3, 3), feature_group_count=2), convolution, IMAGE),
        "ConvTranspose": layer(partial(nnx.ConvTranspose, 4, 6, (3, 3)), transposed, IMAGE),
        "ConvTranspose with transpose_kernel": layer(
            partial(nnx.ConvTranspose, 4, 6, (3, 3), transpose_kernel=True), turned, IMAGE
        ),
        "Embed": layer(partial(nnx.Embed, 5, 3), {"embedding": "5x3 OI"}),
        "LinearGeneral": layer(general, {"kernel": "2x3x4x5x6 BIIOO", "bias": "2x5x6 -"}, (2, 3, 4)),
        "Einsum": layer(einsum, {"kernel": "4x2x3 IOO", "bias": "2x3 -"}, (1, 4)),
        "MultiHeadAttention": layer(attention, {**heads, "out.kernel": "2x3x4 IIO", "out.bias": "4 -"}),
        "BatchNorm": layer(
            partial(nnx.BatchNorm, 3), {"scale": "3 -", "bias": "3 -", "mean": "3 - buffer", "var": "3 - buffer"}
        ),
        "Dropout": layer(partial(nnx.Dropout, 0.5), {}),
    }


def equinox_layers() -> dict[str, Layer]:
    """Layers of Equinox, without values. They take one example."""
    eqx, jax = peer("equinox"), peer("jax")
    nn = eqx.nn

    def layer(make: Any, parameters: dict[str, str], inputs: tuple[int, ...] | None = None) -> Layer:
        return Layer(eqx.filter_eval_shape(lambda key: make(key=key), jax.random.key(0)), plain, parameters, inputs)

    projections = {f"{role}_proj.weight": "4x4 OI" for role in ("query", "key", "value", "output")}
    return {
        "Linear": layer(partial(nn.Linear, 4, 3), {"weight": "3x4 OI", "bias": "3 -"}, (4,)),
        "Conv2d": layer(
            partial(nn.Conv2d, 4, 6, 3, groups=2),
            {"weight": "6x2x3x3 OI... in 2 groups", "bias": "6x1x1 -"},
            CHANNELS_FIRST[1:],
        ),
        "ConvTranspose2d": layer(
            partial(nn.ConvTranspose2d, 4, 6, 3, groups=2),
            {"weight": "6x2x3x3 OI... in 2 groups", "bias": "6x1x1 -"},
            CHANNELS_FIRST[1:],
        ),
        "Embedding": layer(partial(nn.Embedding, 5, 3), {"weight": "5x3 OI"}),
        "GRUCell": layer(
            partial(nn.GRUCell, 3, 4),
            {"weight_ih": "12x3 OI", "weight_hh": "12x4 OI", "bias": "12 -", "bias_n": "4 -"},
        ),
        "LSTMCell": layer(partial(nn.LSTMCell, 3, 4), {"weight_ih": "16x3 OI", "weight_hh": "16x4 OI", "bias": "16 -"}),
        "MultiheadAttention": layer(partial(nn.MultiheadAttention, 2, 4), projections),
        "MLP": layer(
            partial(nn.MLP, 3, 4, 5, 1),
            {
                "layers.0.weight": "5x3 OI",
                "layers.0.bias": "5 -",
                "layers.1.weight": "4x5 OI",
                "layers.1.bias": "4 -",
            },
        ),
    }
