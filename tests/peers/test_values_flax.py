"""Values as the initializers of Flax's layers: every parameter is the one that JAX's initializers give."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from jax_calls import rbg
from jax_values import theirs
from peers import peer

import arrayinit as ai

pytestmark = pytest.mark.peers

# Before the tests, since a fixture gives JAX its 64 bits only where it is imported.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp
    from jax.sharding import AxisType, PartitionSpec

KERNEL = ("he_uniform()", ai.kaiming_uniform())
BIAS = ("normal()", ai.normal(std=0.01))


def both() -> list[dict[str, Any]]:
    """The options of a layer: with JAX's initializers, and with ours."""
    return [
        {"kernel_init": theirs(KERNEL[0]), "bias_init": theirs(BIAS[0])},
        {"kernel_init": KERNEL[1], "bias_init": BIAS[1]},
    ]


def same(expected: Any, ours: Any) -> None:
    assert jax.tree.structure(expected) == jax.tree.structure(ours)
    assert jax.tree.leaves(ours)
    for a, b in zip(jax.tree.leaves(expected), jax.tree.leaves(ours), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_array_equal(a, b)
        assert np.unique(b).size > 0.98 * b.size, "the numbers are drawn"


X = (2, 9, 8)
LINEN: dict[str, Callable[..., Any]] = {
    "Dense": lambda nn, **options: nn.Dense(6, **options),
    "Dense in float64": lambda nn, **options: nn.Dense(6, param_dtype="float64", **options),
    "Dense without a dtype": lambda nn, **options: nn.Dense(6, param_dtype=None, **options),
    "Conv": lambda nn, **options: nn.Conv(6, (3,), feature_group_count=2, **options),
    "ConvTranspose": lambda nn, **options: nn.ConvTranspose(6, (3,), **options),
    "ConvLocal": lambda nn, **options: nn.ConvLocal(6, (3,), **options),
    "DenseGeneral": lambda nn, **options: nn.DenseGeneral((3, 5), axis=(-2, -1), **options),
    "Attention": lambda nn, **options: nn.MultiHeadDotProductAttention(4, **options),
    "LSTM": lambda nn, **options: nn.RNN(nn.LSTMCell(4, recurrent_kernel_init=options.pop("kernel_init"), **options)),
}


@pytest.mark.parametrize("name", LINEN)
def test_layers_of_linen(name: str) -> None:
    linen = peer("flax.linen")
    same(*(LINEN[name](linen, **options).init(rbg(), jnp.ones(X, "float32")) for options in both()))


def test_the_embedding_of_linen() -> None:
    linen, ids = peer("flax.linen"), jnp.zeros((3,), int)
    # Flax takes the features of an embedding for its outputs.
    by_rows = jax.nn.initializers.variance_scaling(1.0, "fan_in", "normal", out_axis=0)
    named = ai.kaiming_normal(nonlinearity="linear", layout="OI")
    for expected, value in ((theirs(BIAS[0]), BIAS[1]), (by_rows, named)):
        same(*(linen.Embed(20, 12, embedding_init=init).init(rbg(), ids) for init in (expected, value)))


def test_scanned_and_vmapped_layers_of_linen_differ_from_each_other() -> None:
    nn = peer("flax.linen")

    def scanned(options: dict[str, Any]) -> Any:
        class Block(nn.Module):
            @nn.compact
            def __call__(self, x: Any, _: Any) -> Any:
                return nn.Dense(8, **options)(x), None

        stack = nn.scan(Block, variable_axes={"params": 0}, split_rngs={"params": True}, length=3)
        return stack().init(rbg(), jnp.ones((2, 8), "float32"), None)

    def vmapped(options: dict[str, Any]) -> Any:
        layers = nn.vmap(nn.Dense, variable_axes={"params": 0}, split_rngs={"params": True})
        return layers(6, **options).init(rbg(), jnp.ones((3, 2, 8), "float32"))

    for make in (scanned, vmapped):
        same(*(make(options) for options in both()))


def test_parameters_by_keyword_and_without_a_dtype() -> None:
    nn = peer("flax.linen")

    def made(init: Any) -> Any:
        class Layer(nn.Module):
            @nn.compact
            def __call__(self) -> Any:
                return self.param("a", init, (3, 4)), self.param("b", init, (3, 4), dtype=jnp.float32)

        return Layer().init(rbg())

    same(made(theirs(KERNEL[0])), made(KERNEL[1]))


def test_programs_of_linen() -> None:
    layers = [peer("flax.linen").Dense(6, **options) for options in both()]
    x = jnp.ones((2, 8), "float32")
    same(*(jax.jit(layer.init)(rbg(), x) for layer in layers))
    shapes = [jax.eval_shape(layer.init, rbg(), x) for layer in layers]
    assert shapes[0] == shapes[1]
    params = layers[1].init(rbg(), x)
    # A layer traces its initializers at each call.
    assert jax.jit(layers[1].apply)(params, x).shape == (2, 6)
    # Layers are dataclasses: equal values give equal layers, and one entry in a cache.
    assert peer("flax.linen").Dense(6, kernel_init=ai.normal()) == peer("flax.linen").Dense(6, kernel_init=ai.normal())
    assert hash(layers[1]) == hash(layers[1].clone())
    assert "kaiming_uniform()" in repr(layers[1])


def test_partitioned_layers_of_linen() -> None:
    nn = peer("flax.linen")
    boxed = [
        nn.Dense(
            6, kernel_init=nn.with_partitioning(options["kernel_init"], ("x", None)), bias_init=options["bias_init"]
        )
        for options in both()
    ]
    params = [layer.init(rbg(), jnp.ones((2, 8), "float32")) for layer in boxed]
    assert nn.get_partition_spec(params[1]) == nn.get_partition_spec(params[0])
    same(*(nn.unbox(tree) for tree in params))


NNX: dict[str, Callable[..., Any]] = {
    "Linear": lambda nnx, **options: nnx.Linear(8, 6, **options),
    "Conv": lambda nnx, **options: nnx.Conv(8, 6, (3, 5), feature_group_count=2, **options),
    "ConvTranspose": lambda nnx, **options: nnx.ConvTranspose(8, 6, (3, 5), **options),
    "LinearGeneral": lambda nnx, **options: nnx.LinearGeneral((4, 2), (3, 5), axis=(-2, -1), **options),
    "Attention": lambda nnx, **options: nnx.MultiHeadAttention(4, 8, decode=False, **options),
    "Embed": lambda nnx, **options: nnx.Embed(20, 12, embedding_init=options["bias_init"], rngs=options["rngs"]),
}


def state(module: Any) -> Any:
    nnx = peer("flax.nnx")
    return nnx.to_pure_dict(nnx.state(module, nnx.Param))


@pytest.mark.parametrize("name", NNX)
def test_layers_of_nnx(name: str) -> None:
    nnx = peer("flax.nnx")
    same(*(state(NNX[name](nnx, rngs=nnx.Rngs(rbg()), **options)) for options in both()))


def test_programs_of_nnx() -> None:
    nnx = peer("flax.nnx")

    def make(options: dict[str, Any]) -> Any:
        return nnx.Linear(8, 6, rngs=nnx.Rngs(rbg()), **options)

    same(*(state(nnx.jit(lambda options=options: make(options))()) for options in both()))
    shapes = [jax.tree.leaves(state(nnx.eval_shape(lambda options=options: make(options)))) for options in both()]
    assert [(x.shape, x.dtype) for x in shapes[0]] == [(x.shape, x.dtype) for x in shapes[1]]

    def stacked(options: dict[str, Any]) -> Any:
        @nnx.split_rngs(splits=3)
        @nnx.vmap(in_axes=(0,), out_axes=0)
        def layers(rngs: Any) -> Any:
            return nnx.Linear(8, 6, rngs=rngs, **options)

        return state(layers(nnx.Rngs(rbg())))

    same(*map(stacked, both()))


def test_partitioned_layers_of_nnx() -> None:
    nnx = peer("flax.nnx")
    mesh = jax.make_mesh((4,), ("x",), axis_types=(AxisType.Auto,))
    with jax.set_mesh(mesh):
        layers = [
            nnx.Linear(
                8,
                6,
                kernel_init=nnx.with_partitioning(options["kernel_init"], ("x", None)),
                bias_init=options["bias_init"],
                rngs=nnx.Rngs(rbg()),
            )
            for options in both()
        ]
    same(*map(state, layers))
    assert layers[1].kernel[...].sharding.spec == PartitionSpec("x", None)


def test_an_initializer_without_brackets_is_refused() -> None:
    linen = peer("flax.linen")
    with pytest.raises(TypeError, match=r"pass normal\(\), with the brackets"):
        linen.Dense(6, kernel_init=ai.normal).init(rbg(), jnp.ones((2, 8), "float32"))
