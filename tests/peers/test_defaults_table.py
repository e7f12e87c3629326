"""docs/recipes.md: each cell of the table of layer defaults is what the rules of that framework give."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from peers import peer
from recipes import SECTIONS

import arrayinit as ai
from arrayinit import recipes
from arrayinit.core.distributions import TRUNCATED_STD
from arrayinit.models.fused import leaves

pytestmark = pytest.mark.peers


class Sizes(NamedTuple):
    """The numbers that a cell may name."""

    inputs: int = 3
    outputs: int = 5
    hidden: int = 4
    features: int = 2


def normal(std: float, is_cut: bool = False) -> ai.Initializer:
    before = std / TRUNCATED_STD
    return ai.trunc_normal(std=before, a=-2 * before, b=2 * before) if is_cut else ai.normal(std=std)


def uniform(bound: float) -> ai.Initializer:
    return ai.uniform(-bound, bound)


# What each cell of the table says.
MEANING: dict[str, Callable[[Sizes], ai.Initializer]] = {
    "U ± 1/√in": lambda s: uniform(s.inputs**-0.5),
    "U ± 1/√out": lambda s: uniform(s.outputs**-0.5),
    "U ± 1/√hidden": lambda s: uniform(s.hidden**-0.5),
    "U ± √(6/(in + out))": lambda s: uniform((6 / (s.inputs + s.outputs)) ** 0.5),
    "U ± 0.05": lambda _: uniform(0.05),
    "N 1": lambda _: normal(1.0),
    "N 1/√features": lambda s: normal(s.features**-0.5),
    "N 1/√in, cut": lambda s: normal(s.inputs**-0.5, is_cut=True),
    "N 0.88/√in, cut": lambda s: normal(TRUNCATED_STD * s.inputs**-0.5, is_cut=True),
    "N 0.88, cut": lambda _: normal(TRUNCATED_STD, is_cut=True),
    "orthogonal": lambda _: ai.orthogonal(layout="...IO"),
    **{number: lambda _, number=number: ai.constant(float(number)) for number in ("0", "1", "0.25", "0.01")},
}
# Cells that stand for no one value: there is none, or the parameter has parts.
NONE = {"none", "the same weight"}
PARTS = {"0; 1 in the forget gate"}

ROWS = {
    cells[0]: dict(zip(("torch", "keras", "flax", "haiku", "equinox"), cells[1:], strict=True))
    for line in SECTIONS["Layer defaults"].splitlines()
    if line.startswith("| ")
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
    if cells[0] != "parameter"
}


@cache
def models() -> dict[str, dict[str, Any]]:
    """Return a layer of each kind, by framework."""
    torch, keras, nnx, eqx = (peer(name) for name in ("torch", "keras", "flax.nnx", "equinox"))
    jax, hk = peer("jax"), peer("haiku")
    nn, layers, key, abstract = torch.nn, keras.layers, jax.random.key(0), nnx.eval_shape

    def built(layer: Any, *shapes: Any) -> Any:
        layer.build(*shapes)
        return layer

    def tree(make: Callable[[], Any], *shape: int, dtype: str = "float32") -> Any:
        init = hk.transform(lambda x: make()(x)).init
        return jax.eval_shape(init, key, np.ones(shape, dtype))

    def shaped(make: Callable[[Any], Any]) -> Any:
        return eqx.filter_eval_shape(make, key)

    return {
        "torch": {
            "linear": nn.Linear(3, 5),
            "convolution": nn.Conv1d(3, 5, 2),
            "transposed": nn.ConvTranspose1d(3, 5, 2),
            "embedding": nn.Embedding(7, 2),
            "norm": nn.LayerNorm(3),
            "attention": nn.MultiheadAttention(4, 2),
            "lstm": nn.LSTM(3, 4),
            "prelu": nn.PReLU(),
        },
        "keras": {
            "linear": built(layers.Dense(5), (1, 3)),
            "convolution": built(layers.Conv1D(5, 2), (1, 9, 3)),
            "transposed": built(layers.Conv1DTranspose(5, 2), (1, 9, 3)),
            "embedding": built(layers.Embedding(7, 2), (1, 3)),
            "norm": built(layers.LayerNormalization(), (1, 3)),
            "attention": built(layers.MultiHeadAttention(2, 2), (1, 5, 4), (1, 5, 4)),
            "lstm": built(layers.LSTM(4), (1, 5, 3)),
            "prelu": built(layers.PReLU(), (1, 3)),
        },
        "flax": {
            "linear": abstract(lambda: nnx.Linear(3, 5, rngs=nnx.Rngs(0))),
            "convolution": abstract(lambda: nnx.Conv(3, 5, (2,), rngs=nnx.Rngs(0))),
            "transposed": abstract(lambda: nnx.ConvTranspose(3, 5, (2,), rngs=nnx.Rngs(0))),
            "embedding": abstract(lambda: nnx.Embed(7, 2, rngs=nnx.Rngs(0))),
            "norm": abstract(lambda: nnx.LayerNorm(3, rngs=nnx.Rngs(0))),
            "attention": abstract(lambda: nnx.MultiHeadAttention(2, 4, decode=False, rngs=nnx.Rngs(0))),
            "lstm": abstract(lambda: nnx.OptimizedLSTMCell(3, 4, rngs=nnx.Rngs(0))),
            "prelu": nnx.PReLU(),
        },
        "haiku": {
            "linear": tree(lambda: hk.Linear(5), 1, 3),
            "convolution": tree(lambda: hk.Conv1D(5, 2), 1, 9, 3),
            "transposed": tree(lambda: hk.Conv1DTranspose(5, 2), 1, 9, 3),
            "embedding": tree(lambda: hk.Embed(7, 2), 1, dtype="int32"),
            "norm": tree(lambda: hk.LayerNorm(-1, create_scale=True, create_offset=True), 1, 3),
            "lstm": tree(lambda: lambda x: hk.LSTM(4)(x, hk.LSTM(4).initial_state(1)), 1, 3),
        },
        "equinox": {
            "linear": shaped(lambda key: eqx.nn.Linear(3, 5, key=key)),
            "convolution": shaped(lambda key: eqx.nn.Conv1d(3, 5, 2, key=key)),
            "transposed": shaped(lambda key: eqx.nn.ConvTranspose1d(3, 5, 2, key=key)),
            "embedding": shaped(lambda key: eqx.nn.Embedding(7, 2, key=key)),
            "norm": eqx.nn.LayerNorm(3),
            "attention": shaped(lambda key: eqx.nn.MultiheadAttention(2, 4, key=key)),
            "lstm": shaped(lambda key: eqx.nn.LSTMCell(3, 4, key=key)),
            "prelu": eqx.nn.PReLU(),
        },
    }


KERNEL = Sizes(6, 10)
# The layer of each row, the end of the parameter's name in any framework, and the sizes.
PARAMETERS: dict[str, tuple[str, str, Sizes]] = {
    "weight of a linear layer": ("linear", r"weight|kernel|w", Sizes()),
    "its bias": ("linear", r"bias|b", Sizes()),
    "weight of a convolution": ("convolution", r"weight|kernel|w", KERNEL),
    "weight of a transposed convolution": ("transposed", r"weight|kernel|w", KERNEL),
    "embedding": ("embedding", r"weight|embeddings?", Sizes()),
    "scale of a normalization": ("norm", r"weight|gamma|scale", Sizes()),
    "bias of a normalization": ("norm", r"bias|beta|offset", Sizes()),
    "query, key and value of attention": (
        "attention",
        r"in_proj_weight|(query|key|value)(_proj)?\.(weight|kernel)",
        Sizes(4, 4),
    ),
    "output of attention": ("attention", r"(out_proj|output_proj|attention_output|out)\.(weight|kernel)", Sizes(4, 4)),
    "input weight of an LSTM": ("lstm", r"weight_ih(_l0)?|lstm_cell\.kernel|dense_i\.kernel|w", Sizes(3, 16)),
    "recurrent weight of an LSTM": ("lstm", r"weight_hh(_l0)?|recurrent_kernel|dense_h\.kernel", Sizes()),
    "bias of an LSTM": ("lstm", r"bias(_[ih]h_l0)?|b", Sizes()),
    "slope of a PReLU": ("prelu", r"weight|alpha|negative_slope", Sizes()),
}
# The outputs of the three projections count together; Haiku has one weight for the input and the state.
SIZES = {
    ("query, key and value of attention", "torch"): Sizes(4, 12),
    ("input weight of an LSTM", "haiku"): Sizes(7, 16),
}


def test_the_table_has_a_row_for_each_parameter() -> None:
    assert ROWS.keys() == PARAMETERS.keys()


@pytest.mark.parametrize("framework", ["torch", "keras", "flax", "haiku", "equinox"])
@pytest.mark.parametrize("row", PARAMETERS)
def test_each_cell_is_what_the_rules_give(row: str, framework: str) -> None:
    cell, (kind, name, sizes) = ROWS[row][framework], PARAMETERS[row]
    model = models()[framework].get(kind)
    if cell in NONE:
        return
    plan = ai.plan(model, getattr(recipes, f"{framework}_defaults")())
    steps = [step for step in plan if re.search(rf"(^|\.)({name})$", step.name)]
    assert steps
    for step in steps:
        if cell in PARTS:
            assert [part.action for part in leaves(step)] == [ai.zeros(), ai.ones(), ai.zeros(), ai.zeros()]
            continue
        meant = MEANING[cell](SIZES.get((row, framework), sizes))
        ours, expected = np.empty(step.shape), np.empty(step.shape)
        step.action.fill(ours, 5, layout=step.layout, groups=step.groups)
        meant.fill(expected, 5, layout=step.action.arguments.get("layout") or step.layout)
        np.testing.assert_allclose(ours, expected, rtol=1e-6, err_msg=step.name)


@pytest.mark.parametrize("framework", ["torch", "keras", "flax", "haiku", "equinox"])
def test_the_plan_of_each_layer_is_json(framework: str) -> None:
    for model in models()[framework].values():
        plan = ai.plan(model, getattr(recipes, f"{framework}_defaults")())
        assert ai.Plan.from_json(plan.to_json()) == plan
