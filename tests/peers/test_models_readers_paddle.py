"""The reader of Paddle: what its layers hold, and the weights and logits of the model that torch has."""

from __future__ import annotations

from functools import cache

import models_of_frameworks as models
import numpy as np
import paddle_models
import pytest
from layer_fans import counted
from layers_of_frameworks import Layer, described, with_ones
from peers import peer

import arrayinit as ai
from arrayinit.models.readers import read

pytestmark = pytest.mark.large

RULES = [ai.Rule("_mean", ai.zeros(), optional=True), ai.Rule("**", ai.normal(), optional=True)]


@cache
def layers() -> dict[str, Layer]:
    return paddle_models.layers()


@cache
def results() -> tuple[models.Result, models.Result]:
    peer("torch")
    return paddle_models.result(), models.torch_result()


def test_names_layouts_and_groups_are_those_of_the_layers() -> None:
    for kind, layer in layers().items():
        assert described(layer.model) == layer.parameters, kind


def test_fans_are_counted_by_what_the_layers_do() -> None:
    """With a kernel of ones, an output is the number of its inputs, and an input adds to as many outputs."""
    counts = 0
    for kind, layer in layers().items():
        if layer.inputs is not None:
            kernel = next(p for p in read(layer.model).parameters if p.layout)
            model = with_ones(layer.model)
            found = tuple(
                counted(lambda x, layer=layer, model=model: layer.call(model, x), layer.inputs, mode)
                for mode in ("fan_in", "fan_out")
            )
            assert (kernel.fan_in, kernel.fan_out) == found, kind
            counts += 1
    assert counts == 11


def test_layers_are_written_in_place() -> None:
    for kind, layer in layers().items():
        assert ai.initialize(layer.model, RULES, rng=0) is layer.model
        for p in read(layer.model).parameters:
            if not p.is_buffer:
                by_hand = ai.normal_(np.empty(p.shape, "float32"), rng=ai.fold_in(0, p.name), layout=p.layout)
                np.testing.assert_array_equal(p.array.numpy(), by_hand, err_msg=f"{kind} {p.name}")


def test_the_weights_are_those_of_torch_bit_for_bit() -> None:
    (ours, _), (theirs, _) = results()
    assert list(ours) == list(theirs)
    assert len(ours) == 3 + 2 * 16 + 4
    for name, array in ours.items():
        is_linear = name.endswith("weight") and array.ndim == 2
        assert array.dtype == theirs[name].dtype
        np.testing.assert_array_equal(array.T if is_linear else array, theirs[name], err_msg=name)


def test_the_logits_are_those_of_torch() -> None:
    (_, ours), (_, theirs) = results()
    assert theirs.std() > 0.1
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("source", ["torch", "paddle"])
def test_a_checkpoint_of_torch_or_of_paddle_is_loaded(source: str) -> None:
    torch, paddle = peer("torch"), peer("paddle")
    theirs = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2), torch.nn.BatchNorm2d(4), torch.nn.Linear(5, 6))
    theirs[1].running_mean.fill_(0.5)
    loaded = {name: t for name, t in theirs.state_dict().items() if "num_batches" not in name}
    if source == "paddle":
        loaded = {name: paddle.to_tensor(t.numpy()) for name, t in loaded.items()}
    nn = paddle.nn
    model = nn.Sequential(nn.Conv2D(3, 4, 2), nn.BatchNorm2D(4), nn.Linear(5, 6))
    ai.initialize(model, [], pretrained=loaded, rename="torch")
    np.testing.assert_array_equal(model[0].weight.numpy(), theirs[0].weight.detach().numpy())
    np.testing.assert_array_equal(model[2].weight.numpy(), theirs[2].weight.detach().numpy().T)
    assert model[1]._mean.tolist() == [0.5] * 4
