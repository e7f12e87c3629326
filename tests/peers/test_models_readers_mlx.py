"""The readers of MLX and tinygrad: containers, ties, what is quantized, and objects of any class."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from layers_of_frameworks import described
from peers import peer

import arrayinit as ai

pytestmark = pytest.mark.peers

# Read when tinygrad is imported: this device needs no compiler.
os.environ.setdefault("DEV", "PYTHON")

RULES = [ai.Rule("**", ai.normal())]


def linear(*names: str) -> dict[str, str]:
    return {f"{name}.{part}": text for name in names for part, text in {"weight": "4x4 OI", "bias": "4 -"}.items()}


def mlx_module() -> Any:
    mx, nn = peer("mlx.core"), peer("mlx.nn")

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.named = {"a": nn.Linear(4, 4), "others": [nn.Linear(4, 4), [mx.zeros((3,))]]}
            self.sequence = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
            self.table = mx.zeros((2, 3))
            self.positions = mx.arange(3)
            self._hidden = mx.zeros((5,))
            self.name = "model"

    return Model()


def test_names_are_those_of_mlx() -> None:
    model = mlx_module()
    flat = peer("mlx.utils").tree_flatten(model.parameters())
    assert [name for name, _ in flat] == list(described(model))
    assert described(model) == {
        **linear("named.a", "named.others.0"),
        "named.others.1.0": "3 -",
        **linear("sequence.layers.0"),
        "table": "2x3 -",
        "positions": "3 - buffer",
    }
    assert ai.initialize(model, RULES, rng=0) is model
    assert model.positions.tolist() == [0, 1, 2]
    assert not np.array(model._hidden).any()
    by_hand = ai.normal_(np.empty((4, 4), "float32"), rng=ai.fold_in(0, "named.others.0.weight"))
    np.testing.assert_array_equal(np.array(model.named["others"][0].weight), by_hand)


def test_a_mlx_module_is_filled_before_its_first_weights_are_computed() -> None:
    mx, nn = peer("mlx.core"), peer("mlx.nn")
    mx.clear_cache()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    model = ai.initialize(nn.Linear(2000, 2000), RULES, rng=0)
    mx.eval(model.parameters())
    assert mx.get_peak_memory() - before < 17e6


def test_a_tied_array_of_mlx_stays_tied() -> None:
    nn = peer("mlx.nn")
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5, bias=False))
    model.layers[1].weight = model.layers[0].weight
    assert described(model)["layers.1.weight"] == "5x4 OI = layers.0.weight"
    ai.initialize(model, RULES, rng=0)
    assert model.layers[1].weight is model.layers[0].weight
    by_hand = ai.normal_(np.empty((5, 4), "float32"), rng=ai.fold_in(0, "layers.0.weight"))
    np.testing.assert_array_equal(np.array(model.layers[1].weight), by_hand)


def test_what_mlx_has_quantized_is_refused_or_kept() -> None:
    nn = peer("mlx.nn")
    model = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 3), nn.Embedding(8, 64))
    nn.quantize(model, class_predicate=lambda name, _: name != "layers.1")
    before = np.array(model.layers[0].weight)
    with pytest.raises(
        ValueError, match=r"'layers\.0\.weight' and 5 more: it is quantized: initialize the model, then"
    ):
        ai.initialize(model, RULES, rng=0)
    kept = [ai.Rule("layers.0.*", ai.keep()), ai.Rule("layers.2.*", ai.keep()), *RULES]
    ai.initialize(model, kept, rng=0)
    np.testing.assert_array_equal(np.array(model.layers[0].weight), before)
    by_hand = ai.normal_(np.empty((3, 64), "float32"), rng=ai.fold_in(0, "layers.1.weight"))
    np.testing.assert_array_equal(np.array(model.layers[1].weight), by_hand)


def test_torch_and_mlx_name_a_sequence_alike_by_a_rename() -> None:
    torch, nn = peer("torch"), peer("mlx.nn")
    theirs = ai.initialize(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2)), RULES, rng=0)
    ours = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    ai.initialize(ours, RULES, rng=0, rename=[(r"layers\.(\d)", r"\1")])
    for layer, same in zip(ours.layers, theirs, strict=True):
        np.testing.assert_array_equal(np.array(layer.weight), same.weight.detach().numpy())
        np.testing.assert_array_equal(np.array(layer.bias), same.bias.detach().numpy())


class Block:
    """A model of tinygrad is an object of any class."""

    def __init__(self) -> None:
        nn, tensor = peer("tinygrad.nn"), peer("tinygrad").Tensor
        self.layers = [nn.Linear(4, 4), tensor.relu, {"inner": nn.Linear(4, 4, bias=False)}]
        self.table = tensor.zeros(2, 3)
        self.norm = nn.BatchNorm(3)
        self.width = 4
        self.tied = self.layers[0]
        # A name that leads back to the model.
        self.parent = self


def test_names_of_an_object_are_those_of_the_state_dict() -> None:
    peer("tinygrad")
    model = Block()
    found = described(model)
    assert found == {
        **linear("layers.0"),
        "layers.2.inner.weight": "4x4 OI",
        "table": "2x3 -",
        "norm.weight": "3 -",
        "norm.bias": "3 -",
        "norm.num_batches_tracked": "() - buffer",
        "norm.running_mean": "3 - buffer",
        "norm.running_var": "3 - buffer",
        "tied.weight": "4x4 OI = layers.0.weight",
        "tied.bias": "4 - = layers.0.bias",
    }
    del model.parent
    assert set(found) == set(peer("tinygrad.nn.state").get_state_dict(model))
    assert ai.initialize(model, RULES, rng=0) is model
    by_hand = ai.normal_(np.empty((4, 4), "float32"), rng=ai.fold_in(0, "layers.0.weight"))
    np.testing.assert_array_equal(model.tied.weight.numpy(), by_hand)
    assert model.norm.running_var.tolist() == [1, 1, 1]


def test_an_object_without_tensors_is_no_model() -> None:
    peer("tinygrad")

    class Empty:
        def __init__(self) -> None:
            self.width = 4

    with pytest.raises(TypeError, match=r"an object that holds tensors of tinygrad, .*; got .*Empty"):
        ai.plan(Empty(), RULES)
