"""Keras: arrays of its backend, seeds from where Keras takes its own, and files that Keras can load."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from arrayinit.values.protocols import LAYOUT, fill_kernel
from arrayinit.values.value import Initializer

# Keras makes these arrays itself, where its device scope says; a value fills them there.
_FILLED = ("jax", "numpy", "tensorflow", "torch")


def array(value: Initializer, shape: Any, dtype: Any, layout: str = LAYOUT) -> Any:
    """Return an array of Keras's backend. Each call takes a new seed from Python's generator, as Keras does."""
    name = keras.backend.standardize_dtype(dtype)
    # The numbers among which Keras itself chooses.
    seed = random.randint(1, 10**9) if value.draws else None
    if keras.backend.backend() in _FILLED:
        return fill_kernel(value, keras.ops.empty(shape, name), seed, layout)
    return keras.ops.convert_to_tensor(fill_kernel(value, np.empty(shape, name), seed, layout))


class KerasInitializer(keras.initializers.VarianceScaling):  # type: ignore[misc]
    """A value as an instance of the one class that `keras.layers.EinsumDense` tells the axes of its kernel.

    `keras.layers.MultiHeadAttention` is made of such layers.
    """

    def __init__(
        self,
        value: Initializer | Mapping[str, Mapping[str, Any]],
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
        seed: None = None,
    ) -> None:
        # Keras's own constructor would take a seed, and give equal values at each call.
        self.value = value if isinstance(value, Initializer) else Initializer.from_config(value)
        self.input_axes, self.output_axes, self.seed = input_axes, output_axes, seed

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Return an array of Keras's backend."""
        if self.input_axes is None or self.output_axes is None:
            return array(self.value, shape, dtype)
        letters = ["k"] * len(shape)
        for letter, axes in (("I", self.input_axes), ("O", self.output_axes)):
            for axis in axes:
                letters[axis] = letter
        return array(self.value, shape, dtype, "".join(letters))

    def get_config(self) -> dict[str, Any]:
        """Return plain data, from which Keras makes it again."""
        register(KerasInitializer)
        return {"value": self.value.get_config(), "input_axes": self.input_axes, "output_axes": self.output_axes}


def register(cls: type) -> None:
    """Tell Keras of a class, under the name that a saved model has for it."""
    if keras.saving.get_registered_name(cls) == cls.__name__:
        keras.saving.register_keras_serializable("arrayinit")(cls)
