"""Layers of Sonnet: their layouts, and values as their initializers."""

from __future__ import annotations

from typing import Any

import pytest
from peers import peer

import arrayinit as ai
from arrayinit.models.readers import read

pytestmark = [pytest.mark.peers, pytest.mark.large]


def built(make: str, *arguments: Any) -> Any:
    tf, sonnet = peer("tensorflow"), peer("sonnet")
    layer = getattr(sonnet, make)(*arguments)
    if make in ("LSTM", "GRU"):
        layer(tf.zeros((1, 3)), layer.initial_state(1))
    else:
        layer(tf.zeros((1,), tf.int32) if make == "Embed" else tf.zeros((1, 7, 7, 3) if "Conv" in make else (1, 3)))
    return layer


@pytest.mark.parametrize(
    ("make", "arguments", "expected"),
    [
        ("Linear", (5,), {"w": (3, 5, "IO")}),
        ("Conv2D", (5, 3), {"w": (3, 3, 3, 5, "...IO")}),
        ("Conv2DTranspose", (5, 3), {"w": (3, 3, 5, 3, "...OI")}),
        ("DepthwiseConv2D", (3, 2), {"w": (3, 3, 3, 2, "...BO")}),
        ("Embed", (5, 4), {"embeddings": (5, 4, "OI")}),
        ("LSTM", (4,), {"w_i": (3, 16, "IO"), "w_h": (4, 16, "IO")}),
        ("GRU", (4,), {"w_i": (3, 12, "IO"), "w_h": (4, 12, "IO")}),
    ],
)
def test_layouts(make: str, arguments: Any, expected: dict[str, Any]) -> None:
    found = read(built(make, *arguments)).parameters
    assert {p.name: (*p.shape, p.layout) for p in found if len(p.shape) > 1} == expected


def test_a_value_is_an_initializer() -> None:
    sonnet, tf = peer("sonnet"), peer("tensorflow")
    layer = sonnet.Linear(400, w_init=ai.lecun_normal())
    layer(tf.zeros((1, 300)))
    assert layer.w.numpy().std() == pytest.approx(300**-0.5, rel=0.02)
