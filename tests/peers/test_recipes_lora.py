"""lora: the adapters of peft, Flax nnx and Keras start as peft starts them."""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np
import pytest
from peers import peer
from places import TESTS
from processes import run

import arrayinit as ai
from arrayinit import recipes

pytestmark = pytest.mark.peers


def test_the_adapters_are_those_of_peft() -> None:
    peer("torch")
    peer("transformers")
    folder = os.environ.get("ARRAYINIT_TEST_PEFT")
    if folder is None:
        pytest.skip("ARRAYINIT_TEST_PEFT names no folder with peft")
    path = os.pathsep.join(filter(None, [str(TESTS), folder, os.environ.get("PYTHONPATH")]))
    printed = run("import lora_of_peft; print(lora_of_peft.report())", timeout=200, PYTHONPATH=path, HF_HUB_OFFLINE="1")
    found = json.loads(printed)
    # Seven layers, each with a random half: two of them in attention, which DoRA and biases leave out.
    filled = {"uniform": (14, 7), "gaussian": (14, 7), "dora": (10, 5), "bias": (12, 4)}
    for case, (count, random) in filled.items():
        assert found[case] == {"different": [], "faults": [], "filled": count, "random": random, "is_json": True}
    # The rank of stacked experts must be given.
    assert found["experts"]["4"] == []
    assert "the std is 0.2" in found["experts"]["None"][0]


def test_the_adapters_of_nnx_are_filled() -> None:
    nnx = peer("flax.nnx")
    layer = nnx.LoRALinear(64, 8, lora_rank=16, rngs=nnx.Rngs(0))
    kernel = np.asarray(layer.kernel[...])
    gaussian = ai.plan(layer, recipes.lora(gaussian=True))
    assert [step.action for step in gaussian if step.fills] == [ai.normal(std=1 / 16), ai.zeros()]
    ai.initialize(layer, recipes.lora(), rng=0)
    a, b = np.asarray(layer.lora.lora_a[...]), np.asarray(layer.lora.lora_b[...])
    assert a.shape == (64, 16)
    assert (np.abs(a) <= 1 / 8).all()
    assert a.std() == pytest.approx(1 / math.sqrt(3 * 64), rel=0.05)
    assert not b.any()
    np.testing.assert_array_equal(layer.kernel[...], kernel)


def test_the_adapters_of_keras_are_filled() -> None:
    keras = peer("keras")
    model = keras.Sequential([keras.Input((3,), dtype="int32"), keras.layers.Embedding(50, 32), keras.layers.Dense(8)])
    for layer in model.layers:
        layer.enable_lora(16)
    before = model.predict(np.arange(6).reshape(2, 3), verbose=0)
    rules = recipes.lora()
    ai.initialize(model, rules, rng=0)
    embedding, dense = model.layers

    def values(variable: Any) -> np.ndarray:
        return keras.ops.convert_to_numpy(variable.value)

    assert not values(embedding.lora_embeddings_a).any()
    assert values(embedding.lora_embeddings_b).std() == pytest.approx(1.0, rel=0.1)
    assert not values(dense.lora_kernel_b).any()
    assert values(dense.lora_kernel_a).std() == pytest.approx(1 / math.sqrt(3 * 32), rel=0.1)
    assert (np.abs(values(dense.lora_kernel_a)) <= 1 / math.sqrt(32)).all()
    np.testing.assert_array_equal(model.predict(np.arange(6).reshape(2, 3), verbose=0), before)
