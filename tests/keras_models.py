"""The transformer of models_of_frameworks.py in Keras, on the backend of this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from models_of_frameworks import CLASSES, EPSILON, HEADS, IMAGES, INNER, RULES, SEED, TOKENS, WIDTH

import arrayinit as ai
from arrayinit.models.readers import read

layers = keras.layers
# JAX compiles a program for each random kernel.
ZEROS = {"kernel_initializer": "zeros"}


class Norm(layers.LayerNormalization):
    """Keras calls a layer after its class, and counts these names in the whole process."""

    def __init__(self) -> None:
        super().__init__(epsilon=EPSILON)


class Attention(layers.MultiHeadAttention):
    """The attention of Keras, whose last projection has another name in the other frameworks."""

    def build(self, *shapes: Any) -> None:
        """Make the projections."""
        super().build(*shapes)
        self._output_dense.name = "out"


class Block(layers.Layer):
    """One of the two blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Norm(), Norm()
        self.attention = Attention(HEADS, WIDTH // HEADS, **ZEROS)
        self.up, self.down = layers.Dense(INNER, "relu", **ZEROS), layers.Dense(WIDTH, **ZEROS)

    def build(self, shape: Any) -> None:
        """Build the layers."""
        self.attention.build(shape, shape)
        for layer in (self.first, self.second, self.up):
            layer.build(shape)
        self.down.build((*shape[:-1], INNER))

    def call(self, x: Any) -> Any:
        """Apply the block."""
        y = self.first(x)
        x = x + self.attention(y, y)
        return x + self.down(self.up(self.second(x)))


class Stem(layers.Conv2D):
    """The convolution."""


class Head(layers.Dense):
    """The last layer."""


class Model(keras.Model):
    """The whole model."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem(WIDTH, 3, strides=2, **ZEROS)
        self.position = self.add_weight(shape=(TOKENS, WIDTH), name="position", initializer="zeros")
        self.blocks = [Block(), Block()]
        self.last, self.head = Norm(), Head(CLASSES, **ZEROS)

    def build(self, shape: Any) -> None:
        """Build the layers."""
        self.stem.build(shape)
        for layer in (*self.blocks, self.last):
            layer.build((None, TOKENS, WIDTH))
        self.head.build((None, WIDTH))

    def call(self, x: Any) -> Any:
        """Return the logits."""
        x = keras.ops.reshape(self.stem(x), (-1, TOKENS, WIDTH)) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(keras.ops.mean(self.last(x), 1))


def filled() -> Any:
    """Return a model with its weights."""
    model = Model()
    model.build(IMAGES.shape)
    assert ai.initialize(model, RULES, rng=SEED, rename="torch") is model
    return model


def weights(model: Any) -> dict[str, np.ndarray]:
    """Return the weights by the names that were folded into the seed."""
    steps = ai.plan(model, RULES, rename="torch")
    arrays = (keras.ops.convert_to_numpy(p.array) for p in read(model).parameters)
    return {step.seed_name: array for step, array in zip(steps, arrays, strict=True)}


def main(folder: Path) -> None:
    """Write a model and its logits, and a model that is made after 100 unrelated layers."""
    model = filled()
    np.savez(folder / "first.npz", logits=model.predict(IMAGES, verbose=0), **weights(model))
    for number in range(25):
        _ = [layers.Dense(3), Norm(), Block(), Stem(number + 1, 3)]
    np.savez(folder / "later.npz", **weights(filled()))
