"""What the names in the calls of docs/parity.md stand for: the array, and a generator of each framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from parity import FLAX, JAX, KERAS, MLX, PADDLE, PADDLE_INIT, TENSORFLOW, TINYGRAD, TORCH
from parity_tables import Table

Names = dict[str, Any]


def torch_names(shape: tuple[int, ...], dtype: str, seed: int) -> Names:
    import torch

    torch.manual_seed(seed)
    return {"x": torch.empty(shape, dtype=getattr(torch, dtype)), "g": torch.Generator().manual_seed(seed)}


def jax_names(shape: tuple[int, ...], dtype: str, seed: int) -> Names:
    import jax

    # Of this kind, since it compiles five times faster; tests/backends/jax/test_jax.py has the others.
    key = jax.random.key(seed, impl="rbg")
    return {"x": jax.ShapeDtypeStruct(shape, dtype), "shape": shape, "dtype": dtype, "key": key}


def keras_names(shape: tuple[int, ...], dtype: str, seed: int) -> Names:
    import keras

    keras.utils.set_random_seed(seed)
    return numpy_names(shape, dtype, seed)


def mlx_names(shape: tuple[int, ...], dtype: str, seed: int) -> Names:
    import mlx.core

    mlx.core.random.seed(seed)
    return {"x": mlx.core.zeros(shape, getattr(mlx.core, dtype))}


def tensorflow_names(shape: tuple[int, ...], dtype: str, seed: int) -> Names:
    import tensorflow as tf

    tf.random.set_seed(seed)
    return numpy_names(shape, dtype, seed)


def paddle_names(shape: tuple[int, ...], dtype: str, seed: int) -> Names:
    import paddle

    paddle.seed(seed)
    return numpy_names(shape, dtype, seed)


def numpy_names(shape: tuple[int, ...], dtype: str, seed: int) -> Names:
    return {"x": np.empty(shape, dtype), "shape": shape, "dtype": dtype, "rng": np.random.default_rng(seed)}


NAMES: dict[Table, Callable[..., Names]] = {
    TORCH: torch_names,
    JAX: jax_names,
    FLAX: jax_names,
    KERAS: keras_names,
    TENSORFLOW: tensorflow_names,
    MLX: mlx_names,
    PADDLE: paddle_names,
    PADDLE_INIT: paddle_names,
    TINYGRAD: numpy_names,
}
