"""Layers of Flax linen and Haiku, whose parameters are trees, and of Keras."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from layers_of_frameworks import IMAGE, Layer
from peers import peer


def projections(kernel: str) -> dict[str, str]:
    """Return the parameters of the three projections of attention to two heads."""
    parts = {"kernel": kernel, "bias": "2x3 -"}
    return {f"{role}.{part}": text for role in ("key", "query", "value") for part, text in parts.items()}


def linen_layers() -> dict[str, Layer]:
    """Layers of Flax linen, each with the shapes of its variables."""
    jax, nn = peer("jax"), peer("flax.linen")

    def layer(module: Any, inputs: tuple[int, ...], parameters: dict[str, str], is_counted: bool = True) -> Layer:
        variables = jax.eval_shape(module.init, jax.random.key(0), np.ones(inputs, "float32"))
        return Layer(variables, lambda p, x: np.asarray(module.apply(p, x)), parameters, inputs if is_counted else None)

    heads = projections("4x2x3 -")
    return {
        "Dense": layer(nn.Dense(3), (1, 4), {"kernel": "4x3 ...IO", "bias": "3 -"}),
        "Conv": layer(nn.Conv(6, (3, 3)), IMAGE, {"kernel": "3x3x4x6 ...IO", "bias": "6 -"}),
        "ConvTranspose": layer(nn.ConvTranspose(6, (3, 3)), IMAGE, {"kernel": "3x3x4x6 ...IO", "bias": "6 -"}),
        # Its kernel may be that of a projection of attention.
        "Conv of one axis": layer(nn.Conv(6, (3,)), (1, 9, 4), {"kernel": "3x4x6 -", "bias": "6 -"}, False),
        "MultiHeadDotProductAttention": layer(
            nn.MultiHeadDotProductAttention(2, qkv_features=6),
            (1, 5, 4),
            {**heads, "out.kernel": "2x3x4 -", "out.bias": "4 -"},
            False,
        ),
        "BatchNorm": layer(
            nn.BatchNorm(use_running_average=True),
            (1, 3),
            {
                "scale": "3 -",
                "bias": "3 -",
                "batch_stats.mean": "3 - buffer",
                "batch_stats.var": "3 - buffer",
            },
            False,
        ),
    }


def haiku_layers() -> dict[str, Layer]:
    """Layers of Haiku, each with the shapes of its parameters."""
    jax, hk = peer("jax"), peer("haiku")

    def layer(make: Any, inputs: tuple[int, ...] | None, parameters: dict[str, str]) -> Layer:
        x = np.ones((1,), "int32") if inputs is None else np.ones(inputs, "float32")
        function = hk.without_apply_rng(hk.transform(lambda x: make()(x)))
        params = jax.eval_shape(function.init, jax.random.key(0), x)
        return Layer(params, lambda p, x: np.asarray(function.apply(p, x)), parameters, inputs)

    class Nested(hk.Module):
        """Layers made in both methods: Haiku puts a ``~`` into the name of the first."""

        def __init__(self) -> None:
            super().__init__(name="nested")
            self.first = hk.Linear(3, name="first")

        def __call__(self, x: Any) -> Any:
            return hk.Linear(2, with_bias=False)(self.first(x)) + hk.get_parameter("shift", (2,), init=jax.numpy.zeros)

    nested = {"first.w": "4x3 ...IO", "first.b": "3 -", "linear.w": "3x2 ...IO", "shift": "2 -"}
    return {
        "Linear": layer(lambda: hk.Linear(3), (1, 4), {"linear.w": "4x3 ...IO", "linear.b": "3 -"}),
        "Conv2D": layer(lambda: hk.Conv2D(6, 3), IMAGE, {"conv2_d.w": "3x3x4x6 ...IO", "conv2_d.b": "6 -"}),
        "Conv2DTranspose": layer(
            lambda: hk.Conv2DTranspose(6, 3),
            IMAGE,
            {"conv2_d_transpose.w": "3x3x6x4 ...OI", "conv2_d_transpose.b": "6 -"},
        ),
        "Embed": layer(lambda: hk.Embed(5, 3), None, {"embed.embeddings": "5x3 OI"}),
        "Nested": Layer(
            *layer(Nested, (1, 4), {f"nested.{name}": text for name, text in nested.items()})[:3],
        ),
        "a parameter alone": layer(
            lambda: lambda x: x + hk.get_parameter("shift", (1,), init=jax.numpy.zeros), None, {"shift": "1 -"}
        ),
    }


def keras_layers() -> dict[str, Layer]:
    """Layers of Keras."""
    keras = peer("keras")
    layers = keras.layers

    def layer(made: Any, inputs: tuple[int, ...], parameters: dict[str, str], is_counted: bool = True) -> Layer:
        made.build(inputs)

        def call(model: Any, x: np.ndarray) -> Any:
            with warnings.catch_warnings():
                # Keras on NumPy hands JAX its variables, which NumPy 2 finds old.
                warnings.simplefilter("ignore", DeprecationWarning)
                return keras.ops.convert_to_numpy(model(x))

        return Layer(made, call, parameters, inputs if is_counted else None)

    attention = layers.MultiHeadAttention(2, 3)
    attention.build((1, 5, 4), (1, 5, 4))
    heads = projections("4x2x3 IOO")
    return {
        "Dense": layer(layers.Dense(3), (1, 4), {"kernel": "4x3 ...IO", "bias": "3 -"}),
        "Conv2D": layer(layers.Conv2D(6, 3, groups=2), IMAGE, {"kernel": "3x3x2x6 ...IO in 2 groups", "bias": "6 -"}),
        "Conv2DTranspose": layer(layers.Conv2DTranspose(6, 3), IMAGE, {"kernel": "3x3x6x4 ...OI", "bias": "6 -"}),
        "DepthwiseConv2D": layer(
            layers.DepthwiseConv2D(3, depth_multiplier=2), IMAGE, {"kernel": "3x3x4x2 ...BO", "bias": "8 -"}
        ),
        "SeparableConv2D": layer(
            layers.SeparableConv2D(6, 3, depth_multiplier=2),
            IMAGE,
            {"depthwise_kernel": "3x3x4x2 ...BO", "pointwise_kernel": "1x1x8x6 ...IO", "bias": "6 -"},
            False,
        ),
        "EinsumDense": layer(
            layers.EinsumDense("abc,bcd->abd", (2, 5), bias_axes="d"), (1, 2, 4), {"kernel": "2x4x5 BIO", "bias": "5 -"}
        ),
        "MultiHeadAttention": Layer(
            attention,
            lambda m, x: m(x),
            {**heads, "attention_output.kernel": "2x3x4 IIO", "attention_output.bias": "4 -"},
        ),
        "Embedding": layer(layers.Embedding(5, 3), (1, 2), {"embeddings": "5x3 OI"}, False),
        "LSTM": layer(
            layers.LSTM(4),
            (1, 5, 3),
            {
                "lstm_cell.kernel": "3x16 ...IO",
                "lstm_cell.recurrent_kernel": "4x16 ...IO",
                "lstm_cell.bias": "16 -",
            },
            False,
        ),
        "BatchNormalization": layer(
            layers.BatchNormalization(),
            (1, 3),
            {"gamma": "3 -", "beta": "3 -", "moving_mean": "3 - buffer", "moving_variance": "3 - buffer"},
            False,
        ),
        "Dropout": layer(layers.Dropout(0.5), (1, 3), {}, False),
        "SpectralNormalization": layer(
            layers.SpectralNormalization(layers.Conv2DTranspose(6, 3, name="wrapped")),
            IMAGE,
            {"vector_u": "1x4 - buffer", "wrapped.kernel": "3x3x6x4 ...OI", "wrapped.bias": "6 -"},
            False,
        ),
    }
