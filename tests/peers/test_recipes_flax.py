"""docs/recipes.md: what it says of Flax is what the layers of Flax do."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from jax_calls import rbg
from peers import peer
from recipes import run

pytestmark = pytest.mark.peers

# Before the tests, since a fixture gives JAX its 64 bits only where it is imported.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp


@pytest.fixture
def recipes() -> dict[str, Any]:
    peer("flax")
    return run("The defaults of Flax")


def like(x: Any) -> Any:
    return jax.ShapeDtypeStruct(x.shape, x.dtype)


LINEN: dict[str, tuple[tuple[int, ...], tuple[Any, ...], dict[str, Any]]] = {
    "Dense": ((1, 12), (10,), {}),
    "Conv": ((1, 9, 9, 4), (6, (3, 5)), {"feature_group_count": 2}),
    "ConvTranspose": ((1, 9, 9, 4), (6, (3, 5)), {}),
}


@pytest.mark.parametrize("name", LINEN)
def test_kernels_are_those_of_linen(recipes: dict[str, Any], name: str) -> None:
    shape, arguments, options = LINEN[name]
    layer = getattr(peer("flax.linen"), name)(*arguments, **options)
    key = rbg(5)
    params = jax.eval_shape(layer.init, key, jnp.ones(shape, "float32"))["params"]
    kernel = layer.kernel_init(key, params["kernel"].shape, params["kernel"].dtype)
    np.testing.assert_array_equal(kernel, recipes["flax_kernel"](like(kernel), key))
    assert not layer.bias_init(key, params["bias"].shape).any()


def test_the_embedding_is_that_of_linen(recipes: dict[str, Any]) -> None:
    layer, key = peer("flax.linen").Embed(20, 12), rbg(5)
    embedding = layer.embedding_init(key, (20, 12), "float32")
    np.testing.assert_array_equal(embedding, recipes["flax_embedding"](like(embedding), key))


@pytest.mark.parametrize(("role", "recipe"), [("query", "flax_query"), ("out", "flax_attention_output")])
def test_attention_is_that_of_linen(recipes: dict[str, Any], role: str, recipe: str) -> None:
    linen, keys = peer("flax.linen"), []

    def spy(key: Any, *arguments: Any) -> Any:
        keys.append(key)
        return linen.MultiHeadDotProductAttention.kernel_init(key, *arguments)

    names = ["query", "key", "value", "out"]
    layer = linen.MultiHeadDotProductAttention(2, kernel_init=spy)
    params = layer.init(rbg(5), jnp.ones((1, 3, 8), "float32"))["params"]
    kernel = params[role]["kernel"]
    np.testing.assert_array_equal(kernel, recipes[recipe](like(kernel), keys[names.index(role)]))
    assert not params[role]["bias"].any()


NNX: dict[str, tuple[Any, ...]] = {"Linear": (12, 10), "Conv": (4, 6, (3, 5)), "ConvTranspose": (4, 6, (3, 5))}


@pytest.mark.parametrize("name", NNX)
def test_kernels_are_those_of_nnx(recipes: dict[str, Any], name: str) -> None:
    nnx = peer("flax.nnx")
    layer = getattr(nnx, name)(*NNX[name], rngs=nnx.Rngs(rbg(5)))
    kernel = layer.kernel[...]
    np.testing.assert_array_equal(kernel, recipes["flax_kernel"](like(kernel), nnx.Rngs(rbg(5)).params()))
    assert not layer.bias[...].any()


def test_the_embedding_is_that_of_nnx(recipes: dict[str, Any]) -> None:
    nnx = peer("flax.nnx")
    embedding = nnx.Embed(20, 12, rngs=nnx.Rngs(rbg(5))).embedding[...]
    np.testing.assert_array_equal(embedding, recipes["flax_embedding"](like(embedding), nnx.Rngs(rbg(5)).params()))


def test_attention_is_that_of_nnx(recipes: dict[str, Any]) -> None:
    nnx = peer("flax.nnx")
    layer = nnx.MultiHeadAttention(2, 8, rngs=nnx.Rngs(rbg(5)), decode=False)
    rngs = nnx.Rngs(rbg(5))
    for role, recipe in (("query", "query"), ("key", "query"), ("value", "query"), ("out", "attention_output")):
        kernel_key, _ = rngs.params(), rngs.params()
        kernel = getattr(layer, role).kernel[...]
        np.testing.assert_array_equal(kernel, recipes[f"flax_{recipe}"](like(kernel), kernel_key))
