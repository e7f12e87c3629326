"""Values as the initializers of Haiku's layers: the keys are those of the transform."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from peers import peer

import arrayinit as ai

pytestmark = pytest.mark.peers

with suppress(ImportError):
    import jax
    import jax.numpy as jnp


def made(layer: Any, *inputs: Any, seed: int = 5) -> Any:
    """The parameters that a function makes under a transform."""
    return peer("haiku").transform(layer).init(jax.random.PRNGKey(seed), *inputs)


X = (2, 9, 8)


def test_layers_of_haiku() -> None:
    hk, x = peer("haiku"), jnp.ones(X, "float32")
    w, b = ai.lecun_normal(), ai.normal(std=0.1)
    options = {"w_init": w, "b_init": b}
    layers: dict[str, Any] = {
        "linear": lambda x: hk.Linear(64, name="linear", **options)(x),
        "conv1_d": lambda x: hk.Conv1D(64, 3, name="conv1_d", **options)(x),
        "depthwise_conv1_d": lambda x: hk.DepthwiseConv1D(32, 3, name="depthwise_conv1_d", **options)(x),
        "conv1_d_transpose": lambda x: hk.Conv1DTranspose(
            64, 3, name="conv1_d_transpose", w_init=ai.lecun_normal(layout="...OI"), b_init=b
        )(x),
    }
    fans = {"linear": 8, "conv1_d": 24, "depthwise_conv1_d": 3, "conv1_d_transpose": 24}
    for name, layer in layers.items():
        params = made(layer, x)[name]
        assert params["w"].dtype == jnp.float32
        n = params["w"].size
        assert params["w"].std() == pytest.approx(fans[name] ** -0.5, rel=4 / (2 * n) ** 0.5)
        assert np.unique(params["b"]).size == params["b"].size


def test_the_key_is_the_next_of_the_transform() -> None:
    hk = peer("haiku")
    params = made(lambda: hk.get_parameter("w", (8, 6), jnp.float32, init=ai.kaiming_uniform()))

    def expected() -> Any:
        return jax.nn.initializers.he_uniform()(hk.next_rng_key(), (8, 6), jnp.float32)

    key = jax.random.PRNGKey(5)
    same = hk.transform(lambda: hk.get_parameter("w", (8, 6), jnp.float32, init=lambda *_: expected())).init(key)
    np.testing.assert_array_equal(params["~"]["w"], same["~"]["w"])


def test_two_layers_of_one_value_differ_and_zeros_take_no_key() -> None:
    hk, value = peer("haiku"), ai.normal()

    def layers(x: Any) -> Any:
        return hk.Linear(8, w_init=value)(hk.Linear(8, w_init=value, b_init=ai.zeros())(x))

    first = made(layers, jnp.ones((2, 8)))
    second = made(lambda x: hk.Linear(8, w_init=value)(hk.Linear(8, w_init=value)(x)), jnp.ones((2, 8)))
    assert (first["linear"]["w"] != first["linear_1"]["w"]).any()
    # Haiku's own zeros take no key either.
    np.testing.assert_array_equal(first["linear_1"]["w"], second["linear_1"]["w"])
    # Without a key, what draws nothing is made.
    constants = hk.transform(lambda x: hk.Linear(8, w_init=ai.ones())(x)).init(None, jnp.ones((2, 8)))
    assert (constants["linear"]["w"] == 1).all()
    with pytest.raises(ValueError, match="PRNG"):
        hk.transform(lambda x: hk.Linear(8, w_init=value)(x)).init(None, jnp.ones((2, 8)))


def test_programs_of_haiku() -> None:
    hk, x = peer("haiku"), jnp.ones((2, 8), "float32")
    net = hk.transform(lambda x: hk.Linear(6, w_init=ai.lecun_normal(), b_init=ai.normal())(x))
    key = jax.random.PRNGKey(5)
    plain, jitted = net.init(key, x), jax.jit(net.init)(key, x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), plain, jitted)
    shapes = jax.eval_shape(net.init, key, x)
    assert jax.tree.map(lambda leaf: leaf.shape, shapes) == jax.tree.map(lambda leaf: leaf.shape, plain)
    many = jax.vmap(net.init, in_axes=(0, None))(jax.random.split(key, 3), x)
    assert (many["linear"]["w"][0] != many["linear"]["w"][1]).all()


def test_outside_of_a_transform_a_shape_gives_an_array() -> None:
    peer("haiku")
    assert ai.normal()((2, 3)).shape == (2, 3)
