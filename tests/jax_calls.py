"""How the JAX tests make structs, and compare."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

with suppress(ImportError):
    import jax
    import jax.numpy as jnp


def struct(*shape: int, dtype: str = "float32", sharding: Any = None) -> Any:
    return jax.ShapeDtypeStruct(shape, jnp.dtype(dtype), sharding=sharding)


def rbg(seed: int = 5) -> Any:
    """Return a key of the kind that compiles fastest."""
    return jax.random.key(seed, impl="rbg")


def same(ours: Any, theirs: Any) -> None:
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
