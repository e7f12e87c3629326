"""The defaults of Flax and Haiku: with the key of the layer, each value gives the bits of the layer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import pytest
from jax_calls import rbg
from parity_comparisons import orthogonal, same_bits
from peers import peer
from same_laws import differ

import arrayinit as ai
from arrayinit.models.readers import read
from arrayinit.models.readers._tree import plain_name
from arrayinit.recipes import flax_defaults, haiku_defaults

pytestmark = pytest.mark.peers

# Before the tests, since a fixture gives JAX its 64 bits only where it is imported.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

# Few shapes in all, since JAX compiles each draw for its shape.
ROW, LINE, IMAGE, VIDEO = (1, 4), (1, 9, 2), (1, 9, 9, 2), (1, 7, 7, 7, 2)
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
# Layers of linen that hold no parameter of their own, or that wrap a layer; `test_wrappers` has those.
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


class Made(NamedTuple):
    """What a framework's initializer is called with."""

    initializer: Callable[..., Any]
    arguments: tuple[Any, ...]


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


def compare(step: Any, theirs: Any, ours: Any) -> None:
    """Compare the bits, of orthogonal matrices the laws: Flax takes the normal numbers in another order."""
    comparison = orthogonal(-1) if is_orthogonal(step) else same_bits
    comparison(np.asarray(theirs), np.asarray(ours))


def filled(step: Any, x: Any, key: Any) -> Any:
    """Return the values of a step from the key of a framework, for an array like ``x``."""
    if is_orthogonal(step) or not step.action.draws:
        # NumPy fills without a compiler.
        return step.action.fill(np.empty(step.shape, x.dtype), 5, layout=step.layout)
    return step.action.fill(jax.ShapeDtypeStruct(step.shape, x.dtype), key, layout=step.layout, groups=step.groups)


def is_orthogonal(step: Any) -> bool:
    return "orthogonal" in repr(step.action)


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
            compare(step, theirs, filled(step, theirs, rbg(7)))


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
    assert not differ(np.ravel(u), np.ravel(our_u))
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
        if not step.action.draws or is_orthogonal(step):
            compare(step, theirs[step.name], filled(step, theirs[step.name], keys[0]))
            continue
        # One of the keys that the layer took, and no other.
        x = np.asarray(theirs[step.name])
        same = [n for n, key in enumerate(keys) if np.array_equal(x, filled(step, x, key))]
        assert len(same) == 1, step.name
        used += same
    assert len(set(used)) == len(used)


HAIKU: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = {
    "Linear": ("Linear", (8,), {}, ROW),
    "MLP": ("nets.MLP", ((8, 8),), {}, ROW),
    "Conv1D": ("Conv1D", (8, 3), {}, LINE),
    "Conv2D": ("Conv2D", (8, (3, 5)), {"feature_group_count": 2}, (1, 9, 9, 4)),
    "Conv3D": ("Conv3D", (8, 3), {}, VIDEO),
    "Conv1DTranspose": ("Conv1DTranspose", (2, 3), {}, (1, 9, 8)),
    "Conv2DTranspose": ("Conv2DTranspose", (2, (3, 5)), {}, (1, 9, 9, 8)),
    "Conv3DTranspose": ("Conv3DTranspose", (2, 3), {}, (1, 7, 7, 7, 8)),
    "DepthwiseConv1D": ("DepthwiseConv1D", (4, 3), {}, LINE),
    "DepthwiseConv2D": ("DepthwiseConv2D", (4, (3, 5)), {}, IMAGE),
    "DepthwiseConv3D": ("DepthwiseConv3D", (4, 3), {}, VIDEO),
    "SeparableDepthwiseConv2D": ("SeparableDepthwiseConv2D", (4, (3, 5)), {}, IMAGE),
    "Embed": ("Embed", (20, 4), {}, ()),
    "Bias": ("Bias", (), {}, ROW),
    "LayerNorm": ("LayerNorm", (-1, True, True), {}, ROW),
    "RMSNorm": ("RMSNorm", (-1,), {}, ROW),
    "InstanceNorm": ("InstanceNorm", (True, True), {}, IMAGE),
    "GroupNorm": ("GroupNorm", (2,), {}, IMAGE),
    "BatchNorm": ("BatchNorm", (True, True, 0.9), {}, IMAGE),
    "VanillaRNN": ("VanillaRNN", (8,), {}, ROW),
    "LSTM": ("LSTM", (8,), {}, ROW),
    "GRU": ("GRU", (8,), {}, ROW),
    "Conv1DLSTM": ("Conv1DLSTM", ((9,), 2, 3), {}, LINE),
    "Conv2DLSTM": ("Conv2DLSTM", ((9, 9), 2, (3, 5)), {}, IMAGE),
    "Conv3DLSTM": ("Conv3DLSTM", ((7, 7, 7), 2, 3), {}, VIDEO),
}


@pytest.mark.parametrize("name", HAIKU)
def test_each_value_gives_the_bits_of_haiku(name: str) -> None:
    hk, (path, arguments, options, inputs) = peer("haiku"), HAIKU[name]
    x = jnp.zeros((1,), "int32") if name == "Embed" else jnp.ones(inputs, "float32")
    made: dict[str, Made] = {}

    def spy(following: Any, shape: Any, dtype: Any, init: Any, context: Any) -> Any:
        made[plain_name(context.full_name)] = Made(init, (shape, dtype))
        return following(shape, dtype, init)

    def net(x: Any) -> Any:
        cls = hk
        for part in path.split("."):
            cls = getattr(cls, part)
        layer = cls(*arguments, **options)
        with hk.custom_creator(spy):
            if name == "BatchNorm":
                return layer(x, is_training=True)
            if not hasattr(layer, "initial_state"):
                return layer(x)
            return layer(x, jax.tree.map(lambda state: state.astype("float32"), layer.initial_state(1)))

    params, _ = jax.eval_shape(hk.transform_with_state(net).init, jax.random.key(0), x)
    plan = ai.plan(params, haiku_defaults())
    assert {step.name for step in plan} == made.keys()
    for step in plan:
        initializer, (shape, dtype) = made[step.name]
        theirs = hk.transform(lambda: initializer(shape, dtype)).apply({}, rbg(7))  # noqa: B023
        # The key of the transform.
        key = hk.transform(hk.next_rng_key).apply({}, rbg(7))
        compare(step, theirs, filled(step, theirs, key))


def test_stacked_layers_of_haiku_are_refused() -> None:
    stacked = {"linear": {"w": (3, 4, 5), "b": (3, 5)}, "gru": {"w_i": (3, 4, 15)}}
    tree = {
        layer: {name: jax.ShapeDtypeStruct(shape, "float32") for name, shape in shapes.items()}
        for layer, shapes in stacked.items()
    }
    with pytest.raises(ValueError, match="has no known layout") as refusal:
        ai.plan(tree, haiku_defaults())
    assert "'gru.w_i' of shape (3, 4, 15) may be one of stacked layers" in str(refusal.value)


def test_every_layer_of_haiku_is_compared() -> None:
    hk = peer("haiku")
    found = {name for name, cls in vars(hk).items() if isinstance(cls, type) and issubclass(cls, hk.Module)}
    # They hold no parameter of their own, or are the bases of others.
    others = {
        "Module",
        "ConvND",
        "ConvNDTranspose",
        "RNNCore",
        "Sequential",
        "Reshape",
        "Flatten",
        "AvgPool",
        "MaxPool",
    }
    others |= {"IdentityCore", "ResetCore", "DeepRNN", "ExponentialMovingAverage", "EMAParamsTree", "SNParamsTree"}
    others |= {"MaxPool", "SpectralNorm"}
    # It has no default.
    others.add("MultiHeadAttention")
    assert found - others == HAIKU.keys() - {"MLP"}
