"""Unit variance goes into the real layers of torch and Flax, and unit variance comes out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from layer_signals import BACKWARD, DEPTHWISE, FORWARD, TOLERANCE, Flax, Sizes, Torch

import arrayinit

pytestmark = pytest.mark.peers

FILLS: dict[str, Callable[..., Any]] = {
    "kaiming_normal_": partial(arrayinit.kaiming_normal_, nonlinearity="linear"),
    "kaiming_uniform_": partial(arrayinit.kaiming_uniform_, nonlinearity="linear"),
    "variance_scaling_": arrayinit.variance_scaling_,
    "lecun_normal_": lambda x, mode, **given: arrayinit.lecun_normal_(x, **given),
}

CONVOLUTIONS = [Torch(ndim, grouping) for ndim in (1, 2, 3) for grouping in (1, 2, DEPTHWISE)]
TRANSPOSED = [Torch(ndim, grouping, transposed=True) for ndim in (1, 2, 3) for grouping in (1, 2)]
TRANSPOSED += [Torch(2, DEPTHWISE, transposed=True)]
FLAX_CONVOLUTIONS = [Flax.convolution(Sizes(2, grouping)) for grouping in (1, 2, DEPTHWISE)]
FLAX_TRANSPOSED = Flax.convolution(Sizes(2, transposed=True))
FLAX_FLIPPED = Flax.convolution(Sizes(2, transposed=True), "...OI", transpose_kernel=True)
QKV = Flax("qkv", lambda linen: linen.DenseGeneral((10, 80), use_bias=False), (800, 512), "IOO", 512, 800)
OUTPUT = Flax(
    "output", lambda linen: linen.DenseGeneral(512, axis=(-2, -1), use_bias=False), (800, 10, 80), "IIO", 800, 512
)
EXPERTS = Flax(
    "experts", lambda linen: linen.DenseGeneral(256, batch_dims=(0,), use_bias=False), (8, 256, 200), "BIO", 1600, 2048
)
LAYERS = [Torch(0), *CONVOLUTIONS, *TRANSPOSED]
LAYERS += [*FLAX_CONVOLUTIONS, FLAX_TRANSPOSED, FLAX_FLIPPED, QKV, OUTPUT, EXPERTS]


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (layer, name)
        for layer in LAYERS
        for name in FILLS
        # Which has no mode, as a grouped transposed convolution of torch needs.
        if name != "lecun_normal_" or layer.arguments(FORWARD)["mode"] == FORWARD
    ],
    ids=str,
)
def test_unit_variance_comes_out_of_a_layer(layer: Torch | Flax, name: str) -> None:
    layer.signal(partial(FILLS[name], **layer.arguments(FORWARD), rng=3), FORWARD).check()


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_the_gradient_keeps_its_variance(layer: Torch | Flax) -> None:
    layer.signal(partial(FILLS["kaiming_normal_"], **layer.arguments(BACKWARD), rng=3), BACKWARD).check()


@pytest.mark.parametrize(
    ("layer", "direction"),
    [
        *((layer, direction) for layer in TRANSPOSED if layer.ndim == 2 for direction in (FORWARD, BACKWARD)),
        *((layer, BACKWARD) for layer in (*CONVOLUTIONS[4:6], FLAX_CONVOLUTIONS[1])),
        *((layer, FORWARD) for layer in (FLAX_FLIPPED, QKV, EXPERTS)),
        *((layer, BACKWARD) for layer in (OUTPUT, QKV, EXPERTS)),  # JAX gets the fan in of the output kernel right
    ],
    ids=str,
)
def test_frameworks_and_the_default_layout_and_groups_take_the_wrong_fans(layer: Torch | Flax, direction: str) -> None:
    for fill in (layer.own, partial(FILLS["kaiming_normal_"], rng=3)):
        signal = layer.signal(partial(fill, mode=direction), direction)
        assert abs(signal.variance - 1) > TOLERANCE
