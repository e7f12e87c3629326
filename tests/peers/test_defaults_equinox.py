"""recipes.equinox_defaults: from the key that a layer of Equinox draws from, each value gives its bits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from jax_calls import rbg
from peers import peer

import arrayinit as ai
from arrayinit.models.readers import read
from arrayinit.recipes import equinox_defaults

pytestmark = pytest.mark.peers

# Before the tests, since a fixture gives JAX its 64 bits only where it is imported.
with suppress(ImportError):
    import jax

LAYERS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "Linear": ((3, 5), {}),
    "Linear of scalars": (("scalar", 5), {}),
    **{f"Conv{n}d": ((4, 6, 2), {"groups": 2}) for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": ((4, 6, 2), {"groups": 2}) for n in (1, 2, 3)},
    "GRUCell": ((3, 5), {}),
    "LSTMCell": ((3, 5), {}),
    "Embedding": ((5, 3), {}),
    "MultiheadAttention": ((2, 4), {"use_query_bias": True, "use_output_bias": True}),
    "MLP": ((3, 4, 5, 2), {}),
}
CONSTANT: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "LayerNorm": ((5,), {}),
    "RMSNorm": ((5,), {}),
    "GroupNorm": ((2, 4), {}),
    "BatchNorm": ((5, "batch"), {"mode": "batch"}),
    "PReLU": ((), {}),
}
# They hold nothing of their own: classes that wrap layers, and the bases of convolutions.
OTHERS = {"Conv", "ConvTranspose", "Sequential", "Lambda", "Identity", "Shared", "State", "StateIndex", "StatefulLayer"}
OTHERS |= {"Dropout", "RotaryPositionalEmbedding", "WeightNorm", "SpectralNorm"}


def test_every_layer_of_equinox_is_compared() -> None:
    nn, module = peer("equinox").nn, peer("equinox").Module
    found = {name for name, cls in vars(nn).items() if isinstance(cls, type) and issubclass(cls, module)}
    found = {name for name in found if "Pool" not in name}
    compared = {name.partition(" ")[0] for name in (*LAYERS, *CONSTANT)}
    assert found - {"State"} == compared | OTHERS - {"State"}


def made(name: str, **key: Any) -> Any:
    """Return a layer."""
    arguments, options = {**LAYERS, **CONSTANT}[name]
    return getattr(peer("equinox").nn, name.partition(" ")[0])(*arguments, **options, **key)


def arrays(model: Any) -> dict[str, np.ndarray]:
    return {p.name: np.asarray(p.array) for p in read(model).parameters}


@pytest.mark.parametrize("name", LAYERS)
def test_each_value_gives_the_bits_of_equinox_from_its_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[tuple[Any, np.ndarray]] = []

    def spied(draw: Callable[..., Any]) -> Callable[..., Any]:
        def spy(key: Any, *arguments: Any, **options: Any) -> Any:
            drawn = draw(key, *arguments, **options)
            keys.append((key, np.asarray(drawn)))
            return drawn

        return spy

    with monkeypatch.context() as patch:
        for function in ("uniform", "normal"):
            patch.setattr(jax.random, function, spied(getattr(jax.random, function)))
        layer = made(name, key=rbg(3))
    theirs = arrays(layer)
    steps = ai.plan(layer, equinox_defaults())
    assert theirs.keys() == {step.name for step in steps}
    assert len(keys) == len(theirs)
    for step in steps:
        x = theirs[step.name]
        (key,) = (key for key, drawn in keys if np.array_equal(drawn, x))
        np.testing.assert_array_equal(x, step.action.fill(jax.ShapeDtypeStruct(x.shape, x.dtype), key), strict=True)


@pytest.mark.parametrize("name", CONSTANT)
def test_each_constant_is_that_of_its_constructor(name: str) -> None:
    layer = made(name)
    poisoned = jax.tree.map(lambda x: x + 7 if getattr(x, "dtype", None) == "float32" else x, layer)
    ours = arrays(ai.initialize(poisoned, equinox_defaults(), rng=0))
    theirs = arrays(layer)
    for step in ai.plan(layer, equinox_defaults()):
        if repr(step.action) != "keep()":
            np.testing.assert_array_equal(theirs[step.name], ours[step.name], err_msg=step.name, strict=True)
        else:
            assert "_index.init" in step.name or "batch_counter.init" in step.name


def test_stacked_layers_have_the_bounds_of_one_layer() -> None:
    eqx = peer("equinox")
    stacked = eqx.filter_vmap(lambda key: eqx.nn.Linear(4, 3, key=key))(jax.random.split(rbg(0), 5))
    assert [repr(step.action) for step in ai.plan(stacked, equinox_defaults())] == ["uniform(a=-0.5, b=0.5)"] * 2


def test_a_scale_that_the_weight_decides_is_refused() -> None:
    eqx = peer("equinox")
    layer = eqx.nn.WeightNorm(eqx.nn.Linear(4, 3, key=rbg(0)))
    with pytest.raises(ValueError, match=r"match(es)? no rule: g$"):
        ai.plan(layer, equinox_defaults())
