"""JAX: its own bits, eagerly and under its transformations, with either kind of key."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, FIXED
from jax_calls import same, struct

import arrayinit

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

pytestmark = pytest.mark.usefixtures("jax_library")

SHAPE = (3, 2, 4, 6)

# Ours, and the same by JAX itself.
TWINS: dict[str, tuple[Callable[..., Any], Callable[[], Callable[..., Any]]]] = {
    "uniform_": (
        lambda x, key: arrayinit.uniform_(x, -0.3, 0.7, rng=key),
        lambda: lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, -0.3, 0.7),
    ),
    "normal_": (
        lambda x, key: arrayinit.normal_(x, std=0.02, rng=key),
        lambda: jax.nn.initializers.normal(0.02),
    ),
    "kaiming_uniform_": (
        lambda x, key: arrayinit.kaiming_uniform_(x, nonlinearity="relu", layout="...IO", rng=key),
        lambda: jax.nn.initializers.he_uniform(),
    ),
    "kaiming_normal_": (
        lambda x, key: arrayinit.kaiming_normal_(x, nonlinearity="relu", layout="...IO", rng=key),
        lambda: jax.nn.initializers.variance_scaling(2.0, "fan_in", "normal"),
    ),
    "xavier_uniform_": (
        lambda x, key: arrayinit.xavier_uniform_(x, layout="...IO", rng=key),
        lambda: jax.nn.initializers.glorot_uniform(),
    ),
    "xavier_normal_": (
        lambda x, key: arrayinit.xavier_normal_(x, layout="...IO", rng=key),
        lambda: jax.nn.initializers.variance_scaling(1.0, "fan_avg", "normal"),
    ),
    "lecun_uniform_": (
        lambda x, key: arrayinit.lecun_uniform_(x, layout="...IO", rng=key),
        lambda: jax.nn.initializers.lecun_uniform(),
    ),
    "lecun_normal_": (
        lambda x, key: arrayinit.lecun_normal_(x, layout="...IO", rng=key),
        lambda: jax.nn.initializers.lecun_normal(),
    ),
    "he_normal": (
        lambda x, key: arrayinit.variance_scaling_(x, 2.0, layout="...IO", rng=key),
        lambda: jax.nn.initializers.he_normal(),
    ),
    "torch's layout": (
        lambda x, key: arrayinit.kaiming_uniform_(x, rng=key),
        lambda: jax.nn.initializers.he_uniform(in_axis=1, out_axis=0),
    ),
    "fan_out": (
        lambda x, key: arrayinit.kaiming_normal_(x, mode="fan_out", layout="...IO", rng=key),
        lambda: jax.nn.initializers.variance_scaling(2.0, "fan_out", "normal"),
    ),
    "fan_geo_avg": (
        lambda x, key: arrayinit.kaiming_uniform_(x, mode="fan_geo_avg", layout="IO...", rng=key),
        lambda: jax.nn.initializers.variance_scaling(2.0, "fan_geo_avg", "uniform", in_axis=0, out_axis=1),
    ),
    "a batch of weights": (
        lambda x, key: arrayinit.xavier_uniform_(x, layout="BO...I", rng=key),
        lambda: jax.nn.initializers.glorot_uniform(in_axis=-1, out_axis=1, batch_axis=0),
    ),
}
KEYS: dict[str, Callable[[], Any]] = {
    "key": lambda: jax.random.key(3),
    "PRNGKey": lambda: jax.random.PRNGKey(3),
    "rbg key": lambda: jax.random.key(3, impl="rbg"),
}


@pytest.mark.parametrize(("dtype", "x64"), [("float32", False), ("float32", True), ("float64", True)])
@pytest.mark.parametrize("twin", TWINS)
def test_eager_values_are_those_of_jax(twin: str, dtype: str, x64: bool) -> None:
    ours, theirs = TWINS[twin]
    with jax.enable_x64(x64):
        key = jax.random.key(7)
        same(ours(struct(*SHAPE, dtype=dtype), key), theirs()(key, SHAPE, jnp.dtype(dtype)))


# The others differ from these by a number only, and each is compiled for seconds.
@pytest.mark.parametrize(
    ("twin", "dtype"),
    [
        ("uniform_", "float32"),
        ("normal_", "float32"),
        ("kaiming_uniform_", "float32"),
        ("xavier_normal_", "float64"),
        ("lecun_normal_", "float32"),
    ],
)
def test_values_under_jit_are_those_of_jax_under_jit(twin: str, dtype: str) -> None:
    ours, theirs = TWINS[twin]
    x, key = struct(*SHAPE, dtype=dtype), jax.random.key(7)
    same(jax.jit(lambda key: ours(x, key))(key), jax.jit(lambda key: theirs()(key, SHAPE, x.dtype))(key))


@pytest.mark.parametrize("twin", ["uniform_", "kaiming_uniform_", "kaiming_normal_"])
def test_values_under_vmap_over_keys_are_those_of_jax_under_vmap(twin: str) -> None:
    ours, theirs = TWINS[twin]
    x = struct(5, 7)
    keys = jax.random.split(jax.random.key(1), 3)
    same(jax.vmap(lambda key: ours(x, key))(keys), jax.vmap(lambda key: theirs()(key, x.shape, x.dtype))(keys))


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("twin", ["uniform_", "xavier_normal_"])
def test_both_kinds_of_key_and_other_generators_serve(twin: str, kind: str) -> None:
    ours, theirs = TWINS[twin]
    key = KEYS[kind]()
    same(ours(jnp.zeros((5, 7), "float32"), key), theirs()(key, (5, 7), jnp.dtype("float32")))


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_fixed_initializers_work_under_jit_of_the_array(name: str, dtype: str) -> None:
    case = FIXED[name]
    x = jnp.full(case.shape, 7, dtype)
    same(jax.jit(case.fill)(x), case.fill(np.full(case.shape, 7, dtype)))
    assert (np.asarray(x) == 7).all()


@pytest.mark.parametrize("gain", [1e30, 1e-30])
@pytest.mark.parametrize("name", ["xavier_uniform_", "xavier_normal_"])
def test_a_scale_whose_square_leaves_the_dtype_is_kept(name: str, gain: float) -> None:
    x, key = struct(300, 300), jax.random.key(0)
    scaled, plain = (np.asarray(getattr(arrayinit, name)(x, g, rng=key), np.float64) for g in (gain, 1.0))
    np.testing.assert_allclose(scaled / gain, plain, rtol=1e-5, atol=1e-7)


def test_fans_are_python_numbers_under_jit() -> None:
    fans = []
    jax.jit(lambda x: fans.append(arrayinit.calculate_fan_in_and_fan_out(x)) or x)(jnp.zeros((3, 4)))
    assert fans == [(4, 3)]


def test_gradients_flow_past_an_initialized_value_and_not_into_what_it_replaces() -> None:
    key, x = jax.random.key(0), jnp.ones((3, 4), "float32")
    w = arrayinit.normal_(x, rng=key)
    gradient = jax.grad(lambda scale: (scale * arrayinit.normal_(struct(3, 4), rng=key)).sum())(jnp.float32(2.0))
    np.testing.assert_allclose(gradient, w.sum(), rtol=1e-5)
    gradient = jax.grad(lambda x: (arrayinit.normal_(x, rng=key) ** 2).sum() + x.sum())(x)
    np.testing.assert_array_equal(gradient, np.ones((3, 4)))


def test_shapes_are_found_without_a_draw() -> None:
    found = jax.eval_shape(lambda key: arrayinit.orthogonal_(struct(30, 40), rng=key), jax.random.key(0))
    assert (found.shape, found.dtype) == ((30, 40), jnp.float32)


@pytest.mark.parametrize("rng", [None, np.random.default_rng(0)], ids=["None", "NumPy"])
@pytest.mark.parametrize("name", DRAWN)
def test_a_generator_that_would_draw_only_once_for_all_calls_is_refused(name: str, rng: Any) -> None:
    case = DRAWN[name]
    x = jnp.zeros(case.shape, "float32")
    for traced in (lambda y: case.fill(y, rng), lambda y: y + case.fill(struct(*case.shape), rng)):
        with pytest.raises(ValueError, match=r"rng=.* only once.* compiled program.*JAX key"):
            jax.jit(traced)(x)
    for transform in (jax.vmap, lambda f: jax.grad(lambda y: f(y).sum())):
        with pytest.raises(ValueError, match=r"rng=.* only once.* compiled program.*JAX key"):
            transform(lambda y: case.fill(y, rng))(jnp.zeros((2, *case.shape)) if transform is jax.vmap else x)


def test_without_a_key_every_call_differs() -> None:
    first, second = (np.asarray(arrayinit.uniform_(struct(6, 4))) for _ in range(2))
    assert (first != second).any()


def test_a_numpy_generator_draws_on_the_host_and_keeps_the_device(jax_library: Any) -> None:
    x = jax_library.empty((6, 4), "float32")
    filled = arrayinit.kaiming_normal_(x, rng=np.random.default_rng(5))
    assert filled.sharding == x.sharding
    same(filled, arrayinit.kaiming_normal_(np.empty((6, 4), "float32"), rng=np.random.default_rng(5)))
