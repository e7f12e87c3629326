"""recipes.haiku_defaults: with the key of a layer of Haiku, each value gives its bits."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from defaults_of_jax import IMAGE, LINE, ROW, VIDEO, Made, filled
from jax_calls import rbg
from parity_comparisons import same_bits
from peers import peer

import arrayinit as ai
from arrayinit.models.readers._tree import plain_name
from arrayinit.recipes import haiku_defaults

pytestmark = pytest.mark.peers

# Before the tests, since a fixture gives JAX its 64 bits only where it is imported.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

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
        same_bits(np.asarray(theirs), np.asarray(filled(step, theirs, key)))


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
