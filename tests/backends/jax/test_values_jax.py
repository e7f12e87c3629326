"""Values called as JAX calls its initializers: the same bits for the same key, in every program."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import jax_calls
import numpy as np
import pytest
from jax_calls import rbg
from jax_values import PLAIN, SAME, theirs

import arrayinit as ai

with suppress(ImportError):
    import jax
    import jax.numpy as jnp
    from jax.sharding import AxisType, NamedSharding, PartitionSpec

pytestmark = pytest.mark.usefixtures("jax_library")

KERNEL = (3, 3, 4, 6)


def same(ours: Any, expected: Any) -> None:
    assert ours.weak_type == expected.weak_type
    jax_calls.same(ours, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SAME)
def test_the_bits_are_those_of_jax(name: str, dtype: str) -> None:
    value = SAME[name]
    # JAX computes this mean by a power, whose last bit differs in float64.
    if dtype == "float64" and "fan_geo_avg" in name:
        return
    expected = theirs(name)(rbg(), KERNEL, dtype)
    same(value(rbg(), KERNEL, dtype), expected)
    same(value(key=rbg(), shape=KERNEL, dtype=jnp.dtype(dtype)), expected)
    same(value(rbg(), list(KERNEL), dtype=dtype), expected)


@pytest.mark.parametrize("name", ["he_normal()", "normal()", "uniform()", "ones"])
def test_programs_give_what_jax_gives(name: str) -> None:
    value, expected = SAME[name], theirs(name)
    keys = jax.random.split(rbg(), 3)
    same(jax.jit(lambda k: value(k, KERNEL))(rbg()), jax.jit(lambda k: expected(k, KERNEL))(rbg()))
    same(jax.vmap(lambda k: value(k, KERNEL))(keys), jax.vmap(lambda k: expected(k, KERNEL))(keys))
    assert jax.eval_shape(lambda k: value(k, KERNEL), rbg()) == jax.eval_shape(lambda k: expected(k, KERNEL), rbg())


@pytest.mark.parametrize("name", SAME)
def test_a_dtype_of_none_is_jax_s_default_float(name: str) -> None:
    same(SAME[name](rbg(), KERNEL), theirs(name)(rbg(), KERNEL))
    same(SAME[name](rbg(), KERNEL, None), theirs(name)(rbg(), KERNEL))
    with jax.enable_x64(False):
        assert SAME[name](rbg(), KERNEL).dtype == theirs(name)(rbg(), KERNEL).dtype == jnp.float32


@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (3, 0, 2), (7,)])
@pytest.mark.parametrize("name", PLAIN)
def test_any_shape_is_that_of_jax(name: str, shape: tuple[int, ...]) -> None:
    same(SAME[name](rbg(), shape, "float32"), theirs(name)(rbg(), shape, "float32"))


def test_old_keys_are_keys() -> None:
    old = jax.random.PRNGKey(0)
    same(ai.normal(std=0.01)(old, KERNEL), jax.nn.initializers.normal()(old, KERNEL))


def test_a_layout_of_its_own_wins() -> None:
    transposed = jax.nn.initializers.variance_scaling(1.0, "fan_in", "normal", in_axis=-1, out_axis=-2)
    same(ai.kaiming_normal(nonlinearity=1.0, layout="...OI")(rbg(), KERNEL), transposed(rbg(), KERNEL))
    stacked = jax.nn.initializers.lecun_normal(batch_axis=0)
    same(ai.lecun_normal(layout="BkIO")(rbg(), KERNEL), stacked(rbg(), KERNEL))


@pytest.mark.parametrize("axis_type", ["Auto", "Explicit"])
def test_a_sharding_is_that_of_the_result(axis_type: str) -> None:
    mesh = jax.make_mesh((4, 2), ("x", "y"), axis_types=(getattr(AxisType, axis_type),) * 2)
    sharding = NamedSharding(mesh, PartitionSpec(None, None, "x", "y"))
    # JAX 0.10.0 draws nothing from an rbg key within an explicit mesh.
    key = jax.random.key(5)
    x = ai.lecun_normal()(key, (3, 3, 8, 6), jnp.float32, sharding)
    assert x.sharding.is_equivalent_to(sharding, 4)
    plain = ai.lecun_normal()(key, (3, 3, 8, 6), jnp.float32)
    np.testing.assert_array_equal(x, plain)
    if axis_type == "Explicit":
        with jax.set_mesh(mesh):
            y = ai.lecun_normal()(key, (3, 3, 8, 6), jnp.float32, out_sharding=sharding.spec)
        assert y.sharding.is_equivalent_to(sharding, 4)
        np.testing.assert_array_equal(y, plain)


def test_a_key_of_numpy_is_a_rbg() -> None:
    old = jax.random.PRNGKey(0)
    same(ai.normal(std=0.01)(np.asarray(old), KERNEL), jax.nn.initializers.normal()(old, KERNEL))


def test_orthogonal_values_are_orthogonal() -> None:
    for shape in ((6, 4), (4, 6), (5, 5), (3, 3, 4, 6)):
        w = np.asarray(ai.orthogonal()(rbg(), shape)).reshape(-1, shape[-1])
        gram = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-5)


def test_narrow_draws_are_rounded_once() -> None:
    """JAX draws bfloat16 numbers among 128 values; a value draws in float32 and rounds."""
    x = ai.normal()(rbg(), (1000,), "bfloat16")
    assert x.dtype == jnp.bfloat16
    assert len(np.unique(np.asarray(x, "float32"))) > 300
