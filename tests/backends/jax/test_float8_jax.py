"""float8 in JAX's programs: XLA's own conversion, which may differ from device to device, has no say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import DISTRIBUTIONS
from copy_sources import array, has
from float8 import decoded
from hard_numbers import SIZE, expected, fitting, hard
from libraries import FLOAT8, Library
from peers import peer

import arrayinit as ai
from arrayinit.core.dtypes import NAMES

CASES = ["uniform_", "normal_", "trunc_normal_", "sparse_"]


def bits(x: Any) -> np.ndarray:
    return np.asarray(x).view(np.uint8)


def same(x: Any, y: np.ndarray, dtype: str) -> None:
    """Compare numbers, and the signs of those that are no NaNs."""
    ours = decoded(bits(x), dtype)
    np.testing.assert_array_equal(ours, y)
    known = ~np.isnan(y)
    np.testing.assert_array_equal(np.signbit(ours[known]), np.signbit(y[known]))


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2fnuz"])
@pytest.mark.parametrize("name", CASES)
def test_compiled_and_sharded_draws_are_those_of_numpy(name: str, dtype: str, jax_library: Library) -> None:
    jax, case = peer("jax"), DISTRIBUTIONS[name]
    case = case.at((210, 106)) if name == "sparse_" else case
    theirs = bits(case.fill(np.empty(case.shape, jax.numpy.dtype(dtype))))
    x = jax.ShapeDtypeStruct(case.shape, dtype)
    np.testing.assert_array_equal(bits(jax.jit(lambda: case.fill(x))()), theirs)
    # The axis that two devices share evenly.
    axis = [n % 2 for n in case.shape].index(0)
    mesh = jax.make_mesh((2,), ("model",), devices=jax.devices()[:2])
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*[None] * axis, "model"))
    np.testing.assert_array_equal(bits(case.fill(jax.device_put(np.zeros(case.shape, dtype), sharding))), theirs)
    np.testing.assert_array_equal(bits(jax.jit(lambda: case.fill(x), out_shardings=sharding)()), theirs)


def test_a_mapped_draw_gives_every_slice_the_same(jax_library: Library) -> None:
    jax = peer("jax")
    x = jax.numpy.zeros((3, 40, 7), "float8_e4m3fn")
    mapped = bits(jax.vmap(lambda y: ai.normal_(y, rng=0))(x))
    np.testing.assert_array_equal(mapped, np.stack([bits(ai.normal_(x[0], rng=0))] * 3))


@pytest.mark.parametrize("dtype", FLOAT8)
def test_compiled_copies_round_once(dtype: str, jax_library: Library) -> None:
    jax = peer("jax")
    x = jax.numpy.zeros(SIZE, dtype)
    compiled = jax.jit(lambda source: ai.copy_(x, source))
    for given in (name for name in NAMES if fitting(name, dtype) and has("jax", name)):
        same(compiled(array("jax", hard(given, dtype), given)), expected(given, dtype), dtype)


@pytest.mark.parametrize("dtype", FLOAT8)
def test_compiled_copies_from_float8_keep_the_numbers(dtype: str, jax_library: Library) -> None:
    jax = peer("jax")
    every = np.arange(256, dtype=np.uint8)
    for wide in ("bfloat16", "float16", "float32", "float64", "complex64"):
        source = jax.numpy.asarray(every.view(jax.numpy.dtype(dtype)))
        y = jax.jit(lambda s, wide=wide: ai.copy_(jax.numpy.zeros(256, wide), s))(source)
        np.testing.assert_array_equal(np.asarray(y).astype(complex).real, decoded(every, dtype))


def test_keys_draw_in_float32(jax_library: Library) -> None:
    jax = peer("jax")
    x = ai.normal_(jax.numpy.zeros((50, 60), "float8_e5m2"), rng=jax.random.key(3))
    theirs = jax.random.normal(jax.random.key(3), (50, 60), "float32")
    np.testing.assert_array_equal(bits(x), bits(ai.copy_(x, theirs)))
