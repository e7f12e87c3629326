"""The readers of trees of JAX: layers that are stacked, containers, ties of Equinox, and names of Haiku that clash."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pytest
from layers_of_frameworks import described
from peers import peer

import arrayinit as ai
from arrayinit.models.readers import read

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("single_precision")]

# Before the tests, since a fixture gives JAX its 64 bits only where it is imported.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

RANDOM = [("**", ai.normal())]
NEEDS_LAYOUT = r"needs the layout of an array of shape .* which is not known: pass layout="


def stacked(framework: str) -> Any:
    """Five layers in one: their arrays have an axis more, which no layer knows of."""
    keys = jax.random.split(jax.random.key(0), 5)
    if framework == "equinox":
        eqx = peer("equinox")
        makers = [partial(eqx.nn.Linear, 4, 3), partial(eqx.nn.Conv1d, 4, 3, 2), partial(eqx.nn.Embedding, 6, 3)]
        return eqx.filter_eval_shape(
            eqx.filter_vmap(lambda key: eqx.nn.Sequential([make(key=key) for make in makers])), keys
        )
    nnx, nn = peer("flax.nnx"), peer("flax.linen")
    if framework == "nnx":
        makers = [
            partial(nnx.Linear, 4, 3),
            partial(nnx.Conv, 4, 3, (2,)),
            partial(nnx.LinearGeneral, 4, (2, 3)),
            partial(nnx.Embed, 6, 3),
        ]
        many = nnx.vmap(lambda key: nnx.List(make(rngs=nnx.Rngs(key)) for make in makers))
        return nnx.eval_shape(lambda: many(keys))

    class Block(nn.Module):
        @nn.compact
        def __call__(self, x: Any, _: Any) -> Any:
            x = x + nn.MultiHeadDotProductAttention(2)(x)
            y = nn.Conv(8, (3, 3))(x[..., None])[..., 0]
            return nn.Dense(8)(x + nn.Embed(6, 8)(jnp.ones((5,), "int32"))) + y, None

    scanned = nn.scan(Block, variable_axes={"params": 0}, split_rngs={"params": True}, length=5)
    return jax.eval_shape(scanned().init, jax.random.key(0), jnp.ones((2, 5, 8)), None)


@pytest.mark.parametrize("framework", ["nnx", "equinox", "linen"])
def test_layers_that_are_stacked_have_no_layout(framework: str) -> None:
    model = stacked(framework)
    found = read(model).parameters
    assert {p.layout for p in found} == {None}
    assert {p.shape[0] for p in found} == {5}
    filled = ai.initialize(model, RANDOM, rng=0)
    for p in read(filled).parameters:
        by_hand = ai.normal_(np.empty(p.shape, "float32"), rng=ai.fold_in(0, p.name))
        np.testing.assert_array_equal(p.array, by_hand, err_msg=p.name)
    kernels = [("bias", ai.zeros()), ("**", ai.lecun_normal())]
    with pytest.raises(ValueError, match=NEEDS_LAYOUT):
        ai.plan(model, kernels)


def test_a_kernel_of_three_axes_of_linen_needs_a_layout() -> None:
    nn = peer("flax.linen")
    module = nn.MultiHeadDotProductAttention(2, qkv_features=6)
    variables = jax.eval_shape(module.init, jax.random.key(0), jnp.ones((1, 5, 4)))
    with pytest.raises(ValueError, match=NEEDS_LAYOUT):
        ai.plan(variables, [("bias", ai.zeros()), ("kernel", ai.lecun_normal())])
    plan = ai.plan(
        variables,
        [("bias", ai.zeros()), ("out.kernel", ai.lecun_normal(layout="IIO")), ("**", ai.lecun_normal(layout="IOO"))],
    )
    stds = {s.name: s.action.expected_std(s.shape, s.layout) for s in plan if s.name.endswith("kernel")}
    assert stds == pytest.approx({"out.kernel": 6**-0.5} | {f"{r}.kernel": 0.5 for r in ("query", "key", "value")})


def test_variables_of_linen_keep_their_containers() -> None:
    nn, core = peer("flax.linen"), peer("flax.core")

    class Model(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            init = nn.with_partitioning(nn.initializers.zeros, ("rows", None))
            return nn.BatchNorm(use_running_average=True)(nn.Dense(3, kernel_init=init)(x))

    variables = core.freeze(Model().init(jax.random.key(0), jnp.ones((1, 4))))
    rules = [("bias", ai.zeros()), ("scale", ai.ones()), ("Dense_0.kernel", ai.lecun_normal())]
    filled = ai.initialize(variables, rules, rng=0)
    assert isinstance(filled, core.FrozenDict)
    kernel = filled["params"]["Dense_0"]["kernel"]
    assert (type(kernel), kernel.names) == (nn.Partitioned, ("rows", None))
    by_hand = ai.lecun_normal_(np.empty((4, 3), "float32"), rng=ai.fold_in(0, "Dense_0.kernel"), layout="IO")
    np.testing.assert_array_equal(kernel.value, by_hand)
    # Buffers that hold values are left alone.
    assert filled["batch_stats"]["BatchNorm_0"]["var"] is variables["batch_stats"]["BatchNorm_0"]["var"]


def test_what_equinox_shares_is_one_parameter() -> None:
    eqx = peer("equinox")

    class Model(eqx.Module):
        shared: Any
        name: str = "tied"

    def make(key: Any) -> Any:
        pair = eqx.nn.Embedding(5, 4, key=key), eqx.nn.Linear(4, 5, key=key)
        return Model(eqx.nn.Shared(pair, where=lambda pair: pair[1].weight, get=lambda pair: pair[0].weight))

    model = eqx.filter_eval_shape(make, jax.random.key(0))
    filled = ai.initialize(model, RANDOM, rng=0)
    assert described(model) == {"shared.pytree.0.weight": "5x4 OI", "shared.pytree.1.bias": "5 -"}
    embedding, linear = filled.shared()
    np.testing.assert_array_equal(linear.weight, embedding.weight)
    assert np.unique(embedding.weight).size == 20
    assert filled.name == "tied"


def test_two_layers_of_haiku_that_differ_in_the_tilde_alone_are_refused() -> None:
    hk = peer("haiku")

    class Model(hk.Module):
        def __init__(self) -> None:
            super().__init__(name="mlp")
            self.first = hk.Linear(3, name="linear")

        def __call__(self, x: Any) -> Any:
            return hk.Linear(3, name="linear")(self.first(x))

    params = hk.transform(lambda x: Model()(x)).init(jax.random.key(0), jnp.ones((1, 3)))
    assert list(params) == ["mlp/~/linear", "mlp/linear"]
    with pytest.raises(ValueError, match=r"two parameters of the name 'mlp\.linear\.w': give one layer another name"):
        ai.plan(params, RANDOM)


class Pair:
    """A node of a tree whose children no key leads to."""

    def __init__(self, array: Any, table: Any) -> None:
        self.array, self.table = array, table


@pytest.fixture(scope="module")
def pair() -> Any:
    peer("jax").tree_util.register_pytree_node(Pair, lambda p: ((p.array, {"w": p.table}), None), _pair)
    return Pair(np.zeros(2, "float32"), np.zeros((3, 2), "float32"))


def _pair(_: None, children: Any) -> Pair:
    return Pair(children[0], children[1]["w"])


@pytest.mark.parametrize("framework", ["jax", "equinox"])
def test_nodes_of_a_users_own_class_are_read(framework: str, pair: Pair) -> None:
    model = (jnp.zeros(3), pair) if framework == "jax" else (peer("equinox").nn.Lambda(pair))
    start = "1" if framework == "jax" else "fn"
    plan = ai.plan(model, [("w", ai.lecun_normal(layout="IO")), ("**", ai.zeros())])
    assert [step.name for step in plan][-2:] == [f"{start}.0", f"{start}.1.w"]
    filled = ai.initialize(model, plan, rng=0)
    table = filled[1].table if framework == "jax" else filled.fn.table
    by_hand = ai.lecun_normal_(np.empty((3, 2), "float32"), rng=ai.fold_in(0, f"{start}.1.w"), layout="IO")
    np.testing.assert_array_equal(table, by_hand)
