"""The transformer of models_of_frameworks.py in the frameworks of JAX."""

from __future__ import annotations

from typing import Any

import numpy as np
from models_of_frameworks import CLASSES, EPSILON, HEADS, IMAGES, INNER, TOKENS, WIDTH, Result, filled, weights
from peers import peer


def nnx_result() -> Result:
    """In Flax nnx, from an abstract module."""
    nnx = peer("flax.nnx")

    class Block(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.norm, self.norm_1 = (nnx.LayerNorm(WIDTH, epsilon=EPSILON, rngs=rngs) for _ in range(2))
            self.attention = nnx.MultiHeadAttention(HEADS, WIDTH, decode=False, rngs=rngs)
            self.dense, self.dense_1 = nnx.Linear(WIDTH, INNER, rngs=rngs), nnx.Linear(INNER, WIDTH, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            x = x + self.attention(self.norm(x))
            return x + self.dense_1(nnx.relu(self.dense(self.norm_1(x))))

    class Model(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.stem = nnx.Conv(3, WIDTH, (3, 3), strides=2, padding="VALID", rngs=rngs)
            self.position = nnx.Param(np.zeros((TOKENS, WIDTH), "float32"))
            self.block, self.block_1 = Block(rngs), Block(rngs)
            self.norm = nnx.LayerNorm(WIDTH, epsilon=EPSILON, rngs=rngs)
            self.head = nnx.Linear(WIDTH, CLASSES, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            x = self.stem(x).reshape(-1, TOKENS, WIDTH) + self.position
            return self.head(self.norm(self.block_1(self.block(x))).mean(1))

    abstract = nnx.eval_shape(lambda: Model(nnx.Rngs(0)))
    model = filled(abstract)
    assert model is abstract
    return weights(model), np.asarray(nnx.jit(lambda model, x: model(x))(model, IMAGES))


def attended(q: Any, k: Any, v: Any) -> Any:
    """Attention of JAX over heads that lie in the last axis."""
    jax = peer("jax")
    q, k, v = (x.reshape(*x.shape[:-1], HEADS, -1) for x in (q, k, v))
    return jax.nn.dot_product_attention(q, k, v).reshape(*q.shape[:-2], WIDTH)


def linen_result() -> Result:
    """In Flax linen, from the shapes of its parameters."""
    jax, nn = peer("jax"), peer("flax.linen")

    class Attention(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            parts = (nn.Dense(WIDTH, name=name)(x) for name in ("query", "key", "value"))
            return nn.Dense(WIDTH, name="out")(attended(*parts))

    class Block(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            x = x + Attention(name="attention")(nn.LayerNorm(EPSILON, name="norm")(x))
            y = nn.relu(nn.Dense(INNER, name="dense")(nn.LayerNorm(EPSILON, name="norm_1")(x)))
            return x + nn.Dense(WIDTH, name="dense_1")(y)

    class Model(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            x = nn.Conv(WIDTH, (3, 3), strides=2, padding="VALID", name="stem")(x).reshape(-1, TOKENS, WIDTH)
            x = x + self.param("position", nn.initializers.zeros, (TOKENS, WIDTH))
            x = Block(name="block_1")(Block(name="block")(x))
            return nn.Dense(CLASSES, name="head")(nn.LayerNorm(EPSILON, name="norm")(x).mean(1))

    model = Model()
    params = filled(jax.eval_shape(model.init, jax.random.key(0), IMAGES))
    return weights(params), np.asarray(jax.jit(model.apply)(params, IMAGES))


def equinox_result() -> Result:
    """In Equinox, from the shapes of its arrays."""
    jax, eqx = peer("jax"), peer("equinox")
    nn = eqx.nn

    class Attention(eqx.Module):
        query: Any
        key: Any
        value: Any
        out: Any

        def __init__(self, key: Any) -> None:
            self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH, key=key) for _ in range(4))

        def __call__(self, x: Any) -> Any:
            parts = (jax.vmap(part)(x)[None] for part in (self.query, self.key, self.value))
            return jax.vmap(self.out)(attended(*parts)[0])

    class Block(eqx.Module):
        norm: Any
        attention: Any
        norm_1: Any
        dense: Any
        dense_1: Any

        def __init__(self, key: Any) -> None:
            self.norm, self.norm_1 = (nn.LayerNorm(WIDTH, eps=EPSILON) for _ in range(2))
            self.attention = Attention(key)
            self.dense, self.dense_1 = nn.Linear(WIDTH, INNER, key=key), nn.Linear(INNER, WIDTH, key=key)

        def __call__(self, x: Any) -> Any:
            x = x + self.attention(jax.vmap(self.norm)(x))
            return x + jax.vmap(lambda y: self.dense_1(jax.nn.relu(self.dense(self.norm_1(y)))))(x)

    class Model(eqx.Module):
        stem: Any
        position: Any
        block: Any
        block_1: Any
        norm: Any
        head: Any

        def __init__(self, key: Any) -> None:
            self.stem = nn.Conv2d(3, WIDTH, 3, stride=2, key=key)
            self.position = jax.numpy.zeros((TOKENS, WIDTH))
            self.block, self.block_1 = Block(key), Block(key)
            self.norm, self.head = nn.LayerNorm(WIDTH, eps=EPSILON), nn.Linear(WIDTH, CLASSES, key=key)

        def __call__(self, x: Any) -> Any:
            x = self.stem(x).reshape(WIDTH, TOKENS).T + self.position
            return self.head(jax.vmap(self.norm)(self.block_1(self.block(x))).mean(0))

    model = filled(eqx.filter_eval_shape(Model, jax.random.key(0)))
    return weights(model), np.asarray(jax.jit(jax.vmap(model))(IMAGES.transpose(0, 3, 1, 2)))


def haiku_result() -> Result:
    """In Haiku, from the shapes of its parameters."""
    jax, hk = peer("jax"), peer("haiku")

    def norm(name: str) -> Any:
        return hk.LayerNorm(-1, True, True, eps=EPSILON, name=name)

    class Attention(hk.Module):
        def __call__(self, x: Any) -> Any:
            parts = (hk.Linear(WIDTH, name=name)(x) for name in ("query", "key", "value"))
            return hk.Linear(WIDTH, name="out")(attended(*parts))

    class Block(hk.Module):
        def __call__(self, x: Any) -> Any:
            x = x + Attention(name="attention")(norm("norm")(x))
            y = jax.nn.relu(hk.Linear(INNER, name="dense")(norm("norm_1")(x)))
            return x + hk.Linear(WIDTH, name="dense_1")(y)

    def call(x: Any) -> Any:
        x = hk.Conv2D(WIDTH, 3, stride=2, padding="VALID", name="stem")(x).reshape(-1, TOKENS, WIDTH)
        x = x + hk.get_parameter("position", (TOKENS, WIDTH), init=jax.numpy.zeros)
        x = Block(name="block")(x)
        x = Block(name="block_1")(x)
        return hk.Linear(CLASSES, name="head")(norm("norm")(x).mean(1))

    model = hk.without_apply_rng(hk.transform(call))
    params = filled(jax.eval_shape(model.init, jax.random.key(0), IMAGES))
    return weights(params), np.asarray(jax.jit(model.apply)(params, IMAGES))
