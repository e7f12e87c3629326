"""Layers of Paddle as whole models: what is tied, kept, refused, and what rules see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from libraries import Library

import arrayinit as ai

RULES = [("weight*", ai.kaiming_normal()), ("bias*", ai.zeros())]


def drawn(shape: tuple[int, ...], name: str, layout: str = "OI...", **options: Any) -> np.ndarray:
    return ai.kaiming_normal_(np.empty(shape, "float32"), rng=ai.fold_in(0, name), layout=layout, **options)


def test_a_plan_tells_what_is_done(paddle: Any) -> None:
    model = paddle.nn.Sequential(paddle.nn.Linear(784, 256), paddle.nn.ReLU(), paddle.nn.Linear(256, 10))
    plan = ai.plan(model, RULES)
    assert [(step.name, step.shape, step.layout) for step in plan] == [
        ("0.weight", (784, 256), "IO"),
        ("0.bias", (256,), None),
        ("2.weight", (256, 10), "IO"),
        ("2.bias", (10,), None),
    ]
    assert ai.initialize(model, plan, rng=0) is model
    assert plan.audit(model).ok
    np.testing.assert_array_equal(model[0].weight.numpy(), drawn((256, 784), "0.weight").T)
    with pytest.raises(ValueError, match=r"^1 of 4 parameters matches no rule: 2\.weight$"):
        ai.initialize(model, [("0.weight", ai.ones()), ("bias", ai.ones())], rng=0)


def test_a_class_of_layers_selects(paddle: Any) -> None:
    nn = paddle.nn
    model = nn.Sequential(nn.Conv2D(3, 4, 3), nn.BatchNorm2D(4), nn.LSTM(2, 3))
    rules = [
        (nn.Conv2D, {"weight": ai.constant(1.0), "bias": ai.constant(2.0)}),
        (nn.BatchNorm2D, {"weight": ai.constant(3.0), "bias": ai.constant(4.0)}),
        (nn.LSTM, ai.constant(5.0)),
    ]
    ai.initialize(model, rules, rng=0)
    assert [float(p.mean()) for p in model.parameters()] == [1, 2, 3, 4, 0, 1, 5, 5, 5, 5]
    # The cells hold the same tensors.
    assert (model[2][0].cell.weight_ih == 5).all()


def test_statistics_are_left_alone_unless_a_rule_names_them(paddle: Any) -> None:
    model = paddle.nn.BatchNorm2D(2)
    model._mean.set_value(paddle.full([2], 7.0))
    ai.initialize(model, [("weight", ai.ones()), ("bias", ai.zeros())], rng=0)
    assert model._mean.tolist() == [7, 7]
    ai.initialize(model, [("weight", ai.ones()), ("bias", ai.zeros()), ("_mean", ai.zeros())], rng=0)
    assert model._mean.tolist() == [0, 0]
    assert [
        step.seed_name
        for step in ai.plan(model, [("weight", ai.ones()), ("*", ai.ones()), ("_*", ai.ones())], rename="torch")
    ] == [
        "weight",
        "bias",
        "running_mean",
        "running_var",
    ]


@pytest.mark.parametrize("index", [0, 2, -1])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_row_of_padding_stays_zero(index: int, dtype: str, library: Library, paddle: Any) -> None:
    layer = paddle.nn.Embedding(5, 3, padding_idx=index)
    layer.to(dtype=dtype)
    ai.initialize(layer, RULES[:1], rng=0)
    values = library.to_numpy(layer.weight)
    assert not values[index].any()
    assert np.delete(values, index, axis=0).all()
    ai.initialize(layer, [("weight", ai.ones())], rng=0)
    assert library.to_numpy(layer.weight).all()


def test_tied_weights_are_filled_once(paddle: Any) -> None:
    nn = paddle.nn
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    plan = ai.plan(model, RULES)
    assert [(step.name, step.owner) for step in plan][2:] == [("1.weight", "0.weight"), ("1.bias", None)]
    ai.initialize(model, plan, rng=0)
    np.testing.assert_array_equal(model[1].weight.numpy(), drawn((3, 3), "0.weight").T)


def test_tensors_that_share_a_part_of_their_memory_are_refused(paddle: Any) -> None:
    class Model(paddle.nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.whole = self.create_parameter([4, 3])
            self.part = paddle.base.framework.EagerParamBase(self.whole.detach()[1:3])

    model = Model()
    assert model.part.data_ptr() == model.whole.data_ptr() + 12
    with pytest.raises(ValueError, match="'part' and 'whole' share memory, but are not the same array"):
        ai.initialize(model, [("**", ai.normal())], rng=0)


def test_each_group_of_a_transposed_convolution_is_a_weight(paddle: Any) -> None:
    layer = paddle.nn.Conv2DTranspose(8, 6, 2, groups=2)
    ai.initialize(layer, RULES, rng=0)
    expected = drawn((2, 4, 3, 2, 2), "weight", "BIO...").reshape(8, 3, 2, 2)
    np.testing.assert_array_equal(layer.weight.numpy(), expected)
    paddle.set_flags({"FLAGS_use_stride_kernel": False})
    try:
        with pytest.raises(ValueError, match=r"'weight'.*: its groups are filled through views"):
            ai.initialize(layer, RULES, rng=0)
    finally:
        paddle.set_flags({"FLAGS_use_stride_kernel": True})


def test_a_layer_without_memory_is_refused_and_filled_once_it_has_some(paddle: Any) -> None:
    with paddle.LazyGuard():
        layer = paddle.nn.Linear(3, 2)
    with pytest.raises(ValueError, match=r"'weight'.*: it has no memory yet: call its initialize\(\)"):
        ai.initialize(layer, RULES, rng=0)
    for p in layer.parameters():
        p.initialize()
    ai.initialize(layer, RULES, rng=0)
    np.testing.assert_array_equal(layer.weight.numpy(), drawn((2, 3), "weight").T)


def test_a_layer_that_is_sharded_is_refused(paddle: Any) -> None:
    layer = paddle.nn.Linear(3, 2)
    mesh = paddle.distributed.ProcessMesh([0], dim_names=["x"])
    layer.weight = paddle.distributed.shard_tensor(layer.weight, mesh, [paddle.distributed.Shard(0)])
    with pytest.raises(ValueError, match=r"'weight'.*: it is distributed: initialize the layer, and then shard it"):
        ai.initialize(layer, RULES, rng=0)
    layer = paddle.nn.Linear(3, 2)
    layer.weight.is_distributed = True
    with pytest.raises(ValueError, match=r"'weight'.*: this process has a shard of it only"):
        ai.initialize(layer, RULES, rng=0)


def test_a_wrapper_adds_nothing_to_the_names(paddle: Any) -> None:
    with pytest.warns(UserWarning, match="single-card"):
        layer = paddle.DataParallel(paddle.nn.Linear(3, 2))
    assert [step.name for step in ai.plan(layer, RULES)] == ["weight", "bias"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_a_layer_of_another_dtype(dtype: str, library: Library, paddle: Any) -> None:
    layer = paddle.nn.Linear(30, 20)
    layer.to(dtype=dtype)
    ai.initialize(layer, RULES, rng=0)
    x = library.empty((20, 30), dtype)
    expected = library.to_numpy(ai.kaiming_normal_(x, rng=ai.fold_in(0, "weight"))).T
    np.testing.assert_array_equal(library.to_numpy(layer.weight), expected)
    assert ai.plan(layer, RULES).audit(layer).ok


def test_without_a_seed_that_of_paddle_holds(paddle: Any) -> None:
    def filled() -> bytes:
        layer = ai.initialize(paddle.nn.Linear(3, 2), RULES)
        return bytes(layer.weight.numpy().tobytes())

    paddle.seed(1)
    first = filled()
    assert filled() != first
    paddle.seed(1)
    assert filled() == first
