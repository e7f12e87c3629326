"""The readers of models: names, layouts, groups and fans of the layers of each framework."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import layers_of_frameworks as layers
import layers_of_mlx
import layers_of_tinygrad
import layers_of_trees as trees
import numpy as np
import pytest
from layer_fans import counted
from layers_of_frameworks import Layer, described
from peers import peer

import arrayinit as ai
from arrayinit.backends.registry import backend_of
from arrayinit.models.readers import read

pytestmark = pytest.mark.peers

FRAMEWORKS: dict[str, Callable[[], dict[str, Layer]]] = {
    "torch": layers.torch_layers,
    "nnx": layers.nnx_layers,
    "equinox": layers.equinox_layers,
    "linen": trees.linen_layers,
    "haiku": trees.haiku_layers,
    "keras": trees.keras_layers,
    "mlx": layers_of_mlx.mlx_layers,
    "tinygrad": layers_of_tinygrad.tinygrad_layers,
}
IN_PLACE = ("torch", "nnx", "keras", "mlx", "tinygrad")
WITHOUT_JAX = ("torch", "keras", "mlx", "tinygrad")
RULES = [
    ai.Rule(re.compile(r"mean$|var$"), ai.zeros(), optional=True),
    ai.Rule("**", ai.normal(), optional=True),
]


@cache
def of(framework: str) -> dict[str, Layer]:
    if framework in WITHOUT_JAX:
        return FRAMEWORKS[framework]()
    with peer("jax").enable_x64(False):
        return FRAMEWORKS[framework]()


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    return request.param


def test_names_layouts_and_groups_are_those_of_the_layers(framework: str) -> None:
    for kind, layer in of(framework).items():
        assert described(layer.model) == layer.parameters, kind


def test_fans_are_counted_by_what_the_layers_do(framework: str) -> None:
    """With a kernel of ones, an output is the number of its inputs, and an input adds to as many outputs."""
    counts = 0
    for kind, layer in of(framework).items():
        if layer.inputs is not None:
            kernel = next(p for p in read(layer.model).parameters if p.layout)
            model = layers.with_ones(layer.model)
            found = tuple(
                counted(lambda x, layer=layer, model=model: layer.call(model, x), layer.inputs, mode)
                for mode in ("fan_in", "fan_out")
            )
            assert (kernel.fan_in, kernel.fan_out) == found, kind
            counts += 1
    assert counts > 2


def test_models_are_written_in_place_or_returned_anew(framework: str) -> None:
    for kind, layer in of(framework).items():
        filled = ai.initialize(layer.model, RULES, rng=0)
        assert (filled is layer.model) == (framework in IN_PLACE), kind
        assert described(filled) == layer.parameters, kind
        for p in read(filled).parameters:
            if not p.is_buffer:
                by_hand = ai.normal_(np.empty(p.shape, "float32"), rng=ai.fold_in(0, p.name), layout=p.layout)
                *_, array = backend_of(p.array).read(p.array)
                np.testing.assert_array_equal(np.asarray(array), by_hand, err_msg=f"{kind} {p.name}")
