"""How the JAX tests call each function, and compare."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

with suppress(ImportError):
    import jax
    import jax.numpy as jnp

# Every function that fills, on arguments that leave no choice but rng.
RANDOM: dict[str, tuple[Any, ...]] = {
    "uniform_": (),
    "normal_": (),
    "trunc_normal_": (),
    "xavier_uniform_": (),
    "xavier_normal_": (),
    "kaiming_uniform_": (),
    "kaiming_normal_": (),
    "orthogonal_": (),
    "sparse_": (0.6,),
    "variance_scaling_": (2.0, "fan_avg"),
    "lecun_uniform_": (),
    "lecun_normal_": (),
}
FIXED: dict[str, tuple[Any, ...]] = {"constant_": (2.5,), "ones_": (), "zeros_": (), "eye_": (), "dirac_": (2,)}


def struct(*shape: int, dtype: str = "float32", sharding: Any = None) -> Any:
    return jax.ShapeDtypeStruct(shape, jnp.dtype(dtype), sharding=sharding)


def same(ours: Any, theirs: Any) -> None:
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
