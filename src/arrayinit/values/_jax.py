"""What JAX hands to an initializer."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def struct(shape: Any, dtype: Any, sharding: Any) -> jax.ShapeDtypeStruct:
    """Return the description of the array that JAX asks for; a dtype of None is JAX's default float."""
    if dtype is None:
        dtype = jax.dtypes.canonicalize_dtype(float)
    return jax.ShapeDtypeStruct(tuple(shape), dtype, sharding=sharding)


def as_key(key: Any) -> Any:
    """Return a key as JAX's array: an old key may be an array of NumPy."""
    return jnp.asarray(key) if isinstance(key, np.ndarray) else key
