"""recipes.flax_defaults: with the key of a layer of Flax, each value gives its bits."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from defaults_of_jax import IMAGE, LINE, ROW, VIDEO, Made, filled
from jax_calls import rbg
from parity_comparisons import same_bits
from peers import peer
from same_laws import Pool, differ

import arrayinit as ai
from arrayinit.models.readers import read
from arrayinit.recipes import flax_defaults

pytestmark = pytest.mark.peers

# Before the tests, since a fixture gives JAX its 64 bits only where it is imported.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

ATTENTION = ("query", "key", "value")
Case = tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]

LINEN: tuple[Case, ...] = (
    ("Dense", (8,), {}, ROW),
    ("DenseGeneral", ((2, 4),), {}, ROW),
    ("DenseGeneral", ((2, 4),), {"axis": (-2, -1)}, (1, 3, 2)),
    ("Einsum", ((4, 8), "ab,bc->ac"), {}, ROW),
    ("Conv", (8, (3,)), {}, LINE),
    ("Conv", (8, (3,)), {"use_bias": False}, LINE),
    ("Conv", (8, (3, 5)), {"feature_group_count": 2}, (1, 9, 9, 4)),
    ("Conv", (8, (3, 1, 2)), {}, VIDEO),
    ("ConvTranspose", (8, (3,)), {}, LINE),
    ("ConvTranspose", (8, (3, 5)), {}, IMAGE),
    ("ConvTranspose", (2, (3, 5)), {"transpose_kernel": True}, (1, 9, 9, 8)),
    ("Embed", (20, 4), {}, ()),
    ("MultiHeadDotProductAttention", (2,), {"qkv_features": 8, "normalize_qk": True}, (1, 5, 4)),
    ("MultiHeadDotProductAttention", (2,), {"qkv_features": 8, "use_bias": False}, (1, 5, 4)),
    ("MultiHeadAttention", (2,), {"qkv_features": 8}, (1, 5, 4)),
    ("SelfAttention", (2,), {"qkv_features": 8}, (1, 5, 4)),
    *((name, (8,), {}, ROW) for name in ("LSTMCell", "OptimizedLSTMCell", "SimpleCell", "GRUCell", "MGUCell")),
    ("ConvLSTMCell", (2, (3, 5)), {}, IMAGE),
    ("BatchNorm", (), {"use_running_average": True}, IMAGE),
    *((name, (), {}, IMAGE) for name in ("LayerNorm", "RMSNorm", "InstanceNorm", "PReLU")),
    ("GroupNorm", (2,), {}, IMAGE),
)
# Layers of linen that hold no parameter of their own, or that wrap a layer; see the test of wrappers.
LINEN_OTHERS = {"Sequential", "Dropout", "RNN", "Bidirectional", "WeightNorm", "SpectralNorm", "ConvLocal"}


def has_own(cls: Any, base: type) -> bool:
    """Whether a class is a layer that makes parameters."""
    return isinstance(cls, type) and issubclass(cls, base) and cls is not base


def test_every_layer_of_linen_is_compared() -> None:
    nn = peer("flax.linen")
    found = {name for name, cls in vars(nn).items() if has_own(cls, nn.Module) and not name.startswith("_")}
    abstract = {
        "RNNCellBase",
        "Fp8Einsum",
        "Fp8DotGeneralOp",
        "Fp8DirectDotGeneralOp",
        "NANOOFp8DotGeneralOp",
        "Fp8DotGeneral",
    }
    assert found - abstract == {case[0] for case in LINEN} | LINEN_OTHERS


def linen_model(case: Case) -> tuple[Any, Any]:
    """Return a model of one layer, which has the name that Flax gives it, and an input."""
    nn, (name, arguments, options, inputs) = peer("flax.linen"), case
    x = jnp.zeros((1,), "int32") if name == "Embed" else jnp.ones(inputs, "float32")

    class Model(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            layer = getattr(nn, name)(*arguments, **options)
            if not name.endswith("Cell"):
                return layer(x)
            carry = jax.eval_shape(lambda: layer.initialize_carry(rbg(0), inputs))
            return layer(jax.tree.map(lambda c: jnp.zeros(c.shape, c.dtype), carry), x)

    return Model(), x


@pytest.mark.filterwarnings("ignore:SelfAttention will be deprecated:DeprecationWarning")
@pytest.mark.parametrize("case", LINEN, ids=lambda case: f"{case[0]}{case[1]}")
def test_each_value_gives_the_bits_of_linen(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = linen_model(case)
    made: dict[str, Made] = {}
    scope = peer("flax.core").Scope
    param = scope.param

    def spy(self: Any, name: str, init_fn: Any, *arguments: Any, **options: Any) -> Any:
        made[".".join([*self.path, name]).replace("/", ".")] = Made(init_fn, arguments)
        return param(self, name, init_fn, *arguments, **options)

    monkeypatch.setattr(scope, "param", spy)
    shapes = jax.eval_shape(model.init, rbg(5), x)
    plan = ai.plan(shapes, flax_defaults())
    assert {step.name for step in plan if not step.is_buffer} == made.keys()
    for step in plan:
        if step.is_buffer:
            assert repr(step.action) == {"mean": "zeros()", "var": "ones()"}[step.name.rpartition(".")[2]]
        else:
            theirs = made[step.name].initializer(rbg(7), *made[step.name].arguments)
            same_bits(np.asarray(theirs), np.asarray(filled(step, theirs, rbg(7))))


def test_what_wrappers_of_linen_hold() -> None:
    nn = peer("flax.linen")

    class Model(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            x = nn.WeightNorm(nn.Dense(30_000, name="scaled"))(x)[:, :2]
            return nn.SpectralNorm(nn.Dense(30_000, name="bounded"))(x, update_stats=False)

    theirs = Model().init(rbg(0), jnp.ones((1, 2)))
    ours = ai.initialize(jax.eval_shape(lambda: theirs), flax_defaults(), rng=0)
    (u, sigma), (our_u, our_sigma) = (
        [variables["batch_stats"]["SpectralNorm_0"][f"bounded/kernel/{name}"] for name in ("u", "sigma")]
        for variables in (theirs, ours)
    )
    assert not differ(Pool(np.ravel(u)), Pool(np.ravel(our_u)))
    assert sigma == our_sigma
    assert (ours["params"]["WeightNorm_0"]["scaled/kernel/scale"] == 1).all()


OPEN: dict[str, dict[str, dict[str, tuple[int, ...]]]] = {
    "a convolution or stacked layers, without a bias": {"block": {"kernel": (3, 4, 5)}},
    "stacked layers": {"block": {"kernel": (3, 4, 5), "bias": (3, 5)}},
    "stacked layers of three axes": {"block": {"kernel": (3, 2, 4, 5), "bias": (3, 5)}},
    "either stacked layers or several outputs": {"block": {"kernel": (4, 4, 5), "bias": (4, 5)}},
    "a local convolution": {"ConvLocal_0": {"kernel": (2, 8, 3), "bias": (2, 3)}},
    "stacked attention": {**{name: {"kernel": (5, 4, 2, 3)} for name in ATTENTION}, "out": {"kernel": (5, 2, 3, 4)}},
    "stacked attention by dense layers": {name: {"kernel": (5, 4, 4)} for name in (*ATTENTION, "out")},
    "stacked dense layers of attention": {name: {"kernel": (5, 4, 4), "bias": (5, 4)} for name in (*ATTENTION, "out")},
}


@pytest.mark.parametrize("layers", OPEN.values(), ids=OPEN)
def test_a_kernel_that_may_be_one_of_stacked_layers_is_refused(layers: dict[str, Any]) -> None:
    tree = {
        "params": {
            "model": {
                layer: {name: jax.ShapeDtypeStruct(shape, "float32") for name, shape in shapes.items()}
                for layer, shapes in layers.items()
            }
        }
    }
    with pytest.raises(ValueError, match="which may be one of stacked layers"):
        ai.plan(tree, flax_defaults())


NNX: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = (
    ("Linear", (4, 8), {}),
    ("LinearGeneral", ((3, 4), (2, 4)), {"axis": (1, 2), "batch_axis": {0: 2}}),
    ("LinearGeneral", (4, (2, 4)), {}),
    ("Einsum", ("ab,bcd->acd", (4, 2, 4), (2, 4)), {}),
    ("Conv", (2, 8, (3,)), {}),
    ("Conv", (4, 8, (3, 5)), {"feature_group_count": 2}),
    ("ConvTranspose", (2, 8, (3, 5)), {}),
    ("ConvTranspose", (8, 2, (3, 5)), {"transpose_kernel": True}),
    ("Embed", (20, 4), {}),
    ("MultiHeadAttention", (2, 4, 8), {"decode": False, "normalize_qk": True}),
    *((name, (4, 8), {}) for name in ("LSTMCell", "OptimizedLSTMCell", "GRUCell", "SimpleCell")),
    ("LoRALinear", (4, 8), {"lora_rank": 3}),
    ("LoRA", (4, 3, 8), {}),
    *((name, (8,), {}) for name in ("BatchNorm", "LayerNorm", "RMSNorm", "InstanceNorm")),
    ("GroupNorm", (8, 2), {}),
    ("PReLU", (), {}),
)
# Layers of nnx that hold no parameter of their own, or that wrap a layer.
NNX_OTHERS = {"Sequential", "Dropout", "RNN", "Bidirectional", "WeightNorm", "SpectralNorm", "RNNCellBase"}


def test_every_layer_of_nnx_is_compared() -> None:
    nnx = peer("flax.nnx")
    inits = (cls for cls in vars(nnx).values() if isinstance(cls, type) and ".nnx.nn." in cls.__module__)
    found = {cls.__name__ for cls in inits if issubclass(cls, nnx.Module)}
    assert found == {name for name, *_ in NNX} | NNX_OTHERS & found


@pytest.mark.parametrize("case", NNX, ids=lambda case: f"{case[0]}{case[1]}")
def test_each_value_gives_the_bits_of_nnx(case: tuple[str, tuple[Any, ...], dict[str, Any]]) -> None:
    nnx, (name, arguments, options) = peer("flax.nnx"), case
    takes_rngs = {} if name == "PReLU" else {"rngs": nnx.Rngs(rbg(5))}
    layer = getattr(nnx, name)(*arguments, **options, **takes_rngs)
    theirs = {p.name: p.array for p in read(layer).parameters}
    rngs = nnx.Rngs(rbg(5))
    keys = [rngs.params() for _ in range(24)]
    plan = ai.plan(layer, flax_defaults())
    assert {step.name for step in plan} == theirs.keys()
    used = []
    for step in plan:
        if not step.action.draws:
            same_bits(np.asarray(theirs[step.name]), np.asarray(filled(step, theirs[step.name], keys[0])))
            continue
        # One of the keys that the layer took, and no other.
        x = np.asarray(theirs[step.name])
        # LSTMCell draws its orthogonal kernels in JAX's default dtype, which is float64 in the tests, and rounds.
        drawn = x.astype(float) if name == "LSTMCell" and "orthogonal" in repr(step.action) else x
        same = [
            n for n, key in enumerate(keys) if np.array_equal(x, np.asarray(filled(step, drawn, key)).astype(x.dtype))
        ]
        assert len(same) == 1, step.name
        used += same
    assert len(set(used)) == len(used)
