"""jax.jit, jax.vmap and jax.grad of every function: over keys, with a seed, and through a filled value."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, FIXED, FUNCTIONS, OWN_WAYS
from jax_calls import same, struct
from portable_calls import TOLERANCE

import arrayinit

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

pytestmark = pytest.mark.usefixtures("jax_library")

SOURCE = np.linspace(-1.0, 2.0, 24, dtype="float32").reshape(6, 4)
SLICES = 3

# JAX takes seconds to compile each of them.
every_way_of_drawing = pytest.mark.parametrize("name", OWN_WAYS)


def shape(name: str) -> tuple[int, ...]:
    return FUNCTIONS[name].shape


def fill(name: str, x: Any = None, **rng: Any) -> Any:
    return FUNCTIONS[name].fill(struct(*shape(name)) if x is None else x, **rng)


def assert_near(name: str, ours: Any, theirs: Any) -> None:
    """Equal but for what a compiler may round otherwise too."""
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    # Where a mean is added, a product and its sum may be rounded at once: an ulp of what is summed.
    atol = TOLERANCE["float32"] if "orthogonal" in name else 2.0**-23
    np.testing.assert_allclose(ours, theirs, rtol=2.0**-21, atol=atol)


def assert_same(name: str, ours: Any, theirs: Any) -> None:
    """Equal in every bit, but for what LAPACKs round otherwise."""
    if "orthogonal" in name:
        assert_near(name, ours, theirs)
    else:
        same(ours, theirs)


@every_way_of_drawing
def test_compiled_vmap_over_keys_draws_in_each_slice_what_the_key_draws_alone(name: str) -> None:
    def draw(key: Any) -> Any:
        return fill(name, rng=key)

    keys = jax.random.split(jax.random.key(1), SLICES)
    # Both in one program, to be compiled once; the second of an array that is an argument too.
    x = jnp.full(shape(name), 7.0, "float32")
    compiled, first = jax.jit(lambda x, keys: (jax.vmap(draw)(keys), fill(name, x, rng=keys[0])))(x, keys)
    assert (np.asarray(x) == 7.0).all()
    for key, under_jit in zip(keys, compiled, strict=True):
        assert_near(name, under_jit, draw(key))
    assert_near(name, first, compiled[0])
    assert (np.asarray(compiled[0]) != np.asarray(compiled[1])).any()


# By one number, by two, and by a matrix.
@pytest.mark.parametrize("name", ["uniform_", "sparse_", "orthogonal_"])
def test_vmap_over_keys_and_arrays_is_that_of_old_style_keys_too(name: str) -> None:
    keys = jax.random.split(jax.random.PRNGKey(1), SLICES)
    x = jnp.full((SLICES, *shape(name)), 7.0, "float32")
    mapped = jax.vmap(lambda x, key: fill(name, x, rng=key))(x, keys)
    for key, weight in zip(keys, mapped, strict=True):
        assert_same(name, weight, fill(name, rng=key))


@every_way_of_drawing
def test_gradients_flow_past_a_draw_of_a_key_and_not_into_what_it_replaces(name: str) -> None:
    key = jax.random.key(0)
    w = fill(name, rng=key)
    gradient = jax.grad(lambda scale, key: (scale * fill(name, rng=key)).sum())(jnp.float32(2.0), key)
    np.testing.assert_allclose(gradient, w.sum(), rtol=1e-5, atol=1e-5)
    gradient = jax.grad(lambda x: (fill(name, x, rng=key) ** 2).sum() + x.sum())(w)
    np.testing.assert_array_equal(gradient, np.ones(w.shape))


@pytest.mark.parametrize("name", ["delta_orthogonal_", *FIXED])
def test_what_no_key_decides_is_transformed(name: str) -> None:
    rng = {"rng": 5} if name in DRAWN else {}
    w, x = fill(name, **rng), jnp.full((SLICES, *shape(name)), 7.0, "float32")

    @jax.jit
    def compiled(x: Any, scale: Any) -> Any:
        return fill(name, x[0], **rng), jax.vmap(lambda x: fill(name, x, **rng))(x), jax.grad(loss)(scale)

    def loss(scale: Any) -> Any:
        return (scale * fill(name, **rng)).sum()

    single, mapped, gradient = compiled(x, jnp.float32(2.0))
    for weight in (single, *mapped, *jax.vmap(lambda x: fill(name, x, **rng))(x)):
        assert_near(name, weight, w)
    for found in (gradient, jax.grad(loss)(jnp.float32(2.0))):
        np.testing.assert_allclose(found, w.sum(), rtol=1e-5, atol=1e-5)
    gradient = jax.grad(lambda x: (fill(name, x, **rng) ** 2).sum() + x.sum())(x[0])
    np.testing.assert_array_equal(gradient, np.ones(w.shape))


def test_gradients_flow_into_the_source_of_a_copy() -> None:
    source = jnp.asarray(SOURCE)
    for transform in (lambda f: f, jax.jit):
        gradient = transform(jax.grad(lambda s: (arrayinit.copy_(struct(*SOURCE.shape), s) ** 2).sum()))(source)
        same(gradient, 2 * source)
    mapped = jax.vmap(lambda s: arrayinit.copy_(struct(4), s))(source)
    same(mapped, source)
