"""A value is an initializer of Paddle: for the parameters of its layers, and for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from libraries import Library

import arrayinit as ai

KAIMING = ai.kaiming_normal(nonlinearity="relu")


@pytest.fixture
def paddle(paddle: Any) -> Iterator[Any]:
    yield paddle
    paddle.nn.initializer.set_global_initializer(None)


def attribute(paddle: Any, value: Any = KAIMING) -> Any:
    return paddle.ParamAttr(initializer=value)


def has_std(x: Any, std: float) -> bool:
    """Within five standard errors of the standard deviation of normal numbers."""
    return abs(float(np.std(x.numpy())) / std - 1) < 5 / (2 * x.size) ** 0.5


def test_the_fans_are_those_of_paddle(paddle: Any) -> None:
    nn, value = paddle.nn, attribute(paddle)
    for layer, fan_in in (
        (nn.Linear(1000, 500, weight_attr=value), 1000),
        (nn.Conv2D(30, 40, 3, weight_attr=value), 270),
        (nn.Conv1D(30, 40, 3, weight_attr=value, groups=2), 45),
        (nn.MultiHeadAttention(256, 8, weight_attr=value).q_proj, 256),
    ):
        assert has_std(layer.weight, (2 / fan_in) ** 0.5)
        assert paddle.nn.initializer.Initializer()._compute_fans(layer.weight)[0] == fan_in
        assert (layer.weight.stop_gradient, layer.weight.is_leaf) == (False, True)


def test_a_value_names_its_own_layout(paddle: Any) -> None:
    layer = paddle.nn.Linear(1000, 500, weight_attr=attribute(paddle, KAIMING.replace(layout="OI")))
    assert has_std(layer.weight, (2 / 500) ** 0.5)


def test_the_seed_of_paddle_holds(paddle: Any) -> None:
    def drawn() -> bytes:
        return bytes(paddle.nn.Linear(3, 4, weight_attr=attribute(paddle)).weight.numpy().tobytes())

    paddle.seed(1)
    first, second = drawn(), drawn()
    assert first != second
    paddle.seed(1)
    assert [drawn(), drawn()] == [first, second]


def test_a_parameter_that_is_made_lazily_is_filled_later(paddle: Any) -> None:
    with paddle.LazyGuard():
        layer = paddle.nn.Linear(100, 50, weight_attr=attribute(paddle))
    assert not layer.weight._is_initialized()
    layer.weight.initialize()
    assert has_std(layer.weight, (2 / 100) ** 0.5)


def test_values_for_all_layers(paddle: Any) -> None:
    paddle.nn.initializer.set_global_initializer(KAIMING, ai.constant(3))
    layer = paddle.nn.Linear(100, 50)
    assert has_std(layer.weight, (2 / 100) ** 0.5)
    assert (layer.bias == 3).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_a_parameter_of_another_dtype(dtype: str, library: Library, paddle: Any) -> None:
    class Layer(paddle.nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.weight = self.create_parameter([3, 4], dtype=dtype, default_initializer=ai.constant(2.5))

    assert (library.to_numpy(Layer().weight) == 2.5).all()


def test_what_has_no_fans_is_refused(paddle: Any) -> None:
    with pytest.raises(ValueError, match=r"^x of shape \(3,\) has 1 axis"):
        paddle.nn.LayerNorm(3, weight_attr=attribute(paddle))


def test_a_static_graph_is_refused(paddle: Any) -> None:
    value = attribute(paddle)
    paddle.enable_static()
    try:
        with (
            paddle.static.program_guard(paddle.static.Program(), paddle.static.Program()),
            pytest.raises(
                TypeError,
                match=r"^kaiming_normal\(.*\) fills no parameter of a static graph: make the layer in dynamic mode$",
            ),
        ):
            paddle.nn.Linear(3, 4, weight_attr=value)
    finally:
        paddle.disable_static()
