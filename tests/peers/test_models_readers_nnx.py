"""The reader of Flax nnx: variables that are tied, states, and what is refused."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from layers_of_frameworks import described
from peers import peer

import arrayinit as ai

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("single_precision")]

# Before the tests, since a fixture gives JAX its 64 bits only where it is imported.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

RANDOM = [("**", ai.normal())]


def tied(nnx: Any) -> Any:
    """A module of Flax nnx with ties and random states."""

    class Tied(nnx.Module):
        def __init__(self) -> None:
            rngs = nnx.Rngs(0)
            self.embed, self.parts = nnx.Embed(5, 4, rngs=rngs), nnx.List([nnx.Linear(4, 3, rngs=rngs)] * 2)
            self.drop, self.head = nnx.Dropout(0.5, rngs=rngs), nnx.Linear(5, 4, use_bias=False, rngs=rngs)
            self.head.kernel = self.embed.embedding

    return Tied


TIED = {
    "embed.embedding": "5x4 OI",
    "head.kernel": "5x4 ...IO = embed.embedding",
    "parts.0.bias": "3 -",
    "parts.0.kernel": "4x3 ...IO",
    "parts.1.bias": "3 - = parts.0.bias",
    "parts.1.kernel": "4x3 ...IO = parts.0.kernel",
}


@pytest.mark.parametrize("is_abstract", [False, True])
def test_variables_of_nnx_that_are_tied_stay_one(is_abstract: bool) -> None:
    nnx = peer("flax.nnx")
    model = nnx.eval_shape(tied(nnx)) if is_abstract else tied(nnx)()
    assert described(model) == TIED
    assert [step.name for step in ai.plan(model, RANDOM) if step.fills] == [n for n in TIED if "=" not in TIED[n]]
    ai.initialize(model, RANDOM, rng=0)
    assert model.head.kernel is model.embed.embedding
    by_hand = ai.normal_(np.empty((5, 4), "float32"), rng=ai.fold_in(0, "embed.embedding"))
    np.testing.assert_array_equal(model.head.kernel[...], by_hand)
    if not is_abstract:
        # A dropout draws from its own random state, as before.
        np.testing.assert_array_equal(model.drop.rngs.count[...], tied(nnx)().drop.rngs.count[...])


@pytest.mark.parametrize("is_abstract", [False, True])
def test_a_state_of_nnx_is_filled_as_its_module(is_abstract: bool) -> None:
    nnx = peer("flax.nnx")
    make = tied(nnx)
    state = nnx.state(nnx.eval_shape(make) if is_abstract else make(), nnx.Param)
    # A state holds a variable that is tied once.
    assert described(state) == {name: text for name, text in TIED.items() if "=" not in text}
    assert ai.initialize(state, RANDOM, rng=0) is state
    model = ai.initialize(make(), RANDOM, rng=0)
    jax.tree.map(np.testing.assert_array_equal, state, nnx.state(model, nnx.Param))


def test_a_variable_of_several_arrays_is_refused() -> None:
    nnx = peer("flax.nnx")

    class Model(nnx.Module):
        def __init__(self) -> None:
            self.a = nnx.Param({"x": jnp.ones((2, 2)), "y": jnp.ones(3)})
            self.layer = nnx.Linear(2, 2, rngs=nnx.Rngs(0))

    with pytest.raises(ValueError, match="1 of 3 parameters matches no rule: a"):
        ai.plan(Model(), [("layer.*", ai.normal())])
    with pytest.raises(ValueError, match="on 'a': the variable holds several arrays: give each a variable of its own"):
        ai.plan(Model(), [("**", ai.normal())])


def test_a_state_shows_by_the_bias_that_its_layers_are_stacked() -> None:
    nnx = peer("flax.nnx")
    stacked = nnx.vmap(lambda key: nnx.Conv(4, 8, (3, 3), rngs=nnx.Rngs(key)))(jax.random.split(jax.random.key(0), 5))
    for module in (stacked, nnx.LinearGeneral((4, 3), (2, 5), axis=(-2, -1), rngs=nnx.Rngs(0))):
        with pytest.raises(ValueError, match="needs the layout of an array"):
            ai.plan(nnx.state(module), [("kernel", ai.lecun_normal()), ("bias", ai.zeros())])
