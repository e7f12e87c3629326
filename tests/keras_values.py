"""What Keras's layers make of values on its backend, of which Keras has one in a process: written to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

import arrayinit as ai

KERNEL = ai.kaiming_normal(nonlinearity="relu")
BIAS = ai.normal(std=0.1)


def model() -> Any:
    """A model of every kind of layer, whose fans are those of the layer."""
    layers = keras.layers
    images = keras.Input((8, 8, 4), name="images")
    x = layers.Conv2D(16, 3, kernel_initializer=KERNEL, bias_initializer=BIAS, name="conv")(images)
    x = layers.DepthwiseConv2D(
        3, depth_multiplier=2, depthwise_initializer=ai.kaiming_normal(layout="...BO"), name="depthwise"
    )(x)
    x = layers.Conv2DTranspose(64, 3, kernel_initializer=ai.kaiming_normal(layout="...OI"), name="transposed")(x)
    x = layers.Reshape((36, 64))(x)
    x = layers.EinsumDense(
        "abc,cde->abde", (36, 8, 16), kernel_initializer=ai.lecun_normal(layout="IOO"), name="named"
    )(x)
    x = layers.Reshape((36, 128))(x)
    x = layers.EinsumDense("abc,cde->abde", (36, 8, 16), kernel_initializer=ai.lecun_normal().keras, name="told")(x)
    x = layers.Reshape((36, 128))(x)
    x = layers.MultiHeadAttention(8, 16, kernel_initializer=ai.lecun_normal().keras, name="attention")(x, x)
    x = layers.MultiHeadAttention(8, 16, kernel_initializer=ai.normal(std=0.02), bias_initializer=BIAS, name="plain")(
        x, x
    )
    x = layers.LSTM(
        32,
        kernel_initializer=ai.xavier_uniform(),
        recurrent_initializer=ai.orthogonal(),
        bias_initializer=BIAS,
        name="lstm",
    )(x)
    shared = KERNEL
    x = layers.Dense(32, kernel_initializer=shared, name="first")(x)
    x = layers.Dense(32, kernel_initializer=shared, name="second")(x)
    words = keras.Input((5,), name="words")
    y = layers.Embedding(1000, 32, embeddings_initializer=ai.normal(std=0.02), name="embedding")(words)
    return keras.Model([images, words], [x, y])


def weights(of: Any) -> dict[str, np.ndarray]:
    """The weights by their paths."""
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in of.weights}


def main(folder: Path) -> None:
    """Write what was made."""
    keras.utils.set_random_seed(3)
    first = model()
    keras.utils.set_random_seed(3)
    again = model()
    other = model()
    keras.utils.set_random_seed(3)
    cloned = keras.models.clone_model(first)
    keras.utils.set_random_seed(3)
    cloned_again = keras.models.clone_model(first)
    narrow = {
        dtype: keras.ops.convert_to_numpy(keras.ops.cast(KERNEL((64, 64), dtype=dtype), "float32"))
        for dtype in ("bfloat16", "float16", "float32")
    }
    models = {"first": first, "again": again, "other": other, "cloned": cloned, "cloned again": cloned_again}
    for name, made in models.items():
        np.savez(folder / f"{name}.npz", **{path.replace("/", "."): array for path, array in weights(made).items()})
    np.savez(folder / "narrow.npz", **narrow)
    first.save(folder / "model.keras")
