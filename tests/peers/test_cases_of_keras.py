"""What Keras asks of its own initializers in its tests, asked of values; docs/frameworks/cases.md has the table."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from peers import peer

import arrayinit as ai
from arrayinit import Initializer

pytestmark = pytest.mark.peers

SHAPE = (25, 20)


def numpy(array: Any) -> np.ndarray:
    return np.asarray(peer("keras").ops.convert_to_numpy(array))


def serialized(value: Initializer) -> None:
    """Raise AssertionError unless Keras and JSON keep the value."""
    keras = peer("keras")
    assert Initializer.from_config(value.get_config()).get_config() == value.get_config()
    text = json.dumps(keras.saving.serialize_keras_object(value))
    again = keras.saving.deserialize_keras_object(json.loads(text))
    assert again == value
    assert dir(again) == dir(value)


def test_random_normal() -> None:
    keras, value = peer("keras"), ai.normal(std=0.5)
    assert value.arguments["std"] == 0.5
    keras.utils.set_random_seed(3)
    first, second = numpy(value(SHAPE)), numpy(value(SHAPE))
    assert first.shape == SHAPE
    assert first.std() == pytest.approx(0.5, rel=0.1)
    # Keras's object without a seed repeats its numbers at each call; a value does not.
    assert (first != second).all()
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(numpy(value(SHAPE)), first)
    clone = Initializer.from_config(value.get_config())
    assert (numpy(clone(SHAPE)) != first).all()
    serialized(value)


def test_random_uniform() -> None:
    peer("keras")
    value = ai.uniform(-1.0, 1.0)
    x = numpy(value(SHAPE))
    assert x.shape == SHAPE
    assert (x >= -1.0).all()
    assert (x < 1.0).all()
    serialized(value)


@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 25), ("fan_out", 20)])
def test_variance_scaling(mode: str, fan: int) -> None:
    peer("keras")
    value = ai.variance_scaling(2.0, mode)
    assert numpy(value(SHAPE)).std() == pytest.approx((2 / fan) ** 0.5, rel=0.15)
    serialized(value)


def test_orthogonal() -> None:
    peer("keras")
    value = ai.orthogonal(2.0)
    w = numpy(value((5, 5)))
    np.testing.assert_allclose(w.T @ w, 4 * np.eye(5), atol=1e-5)
    serialized(value)


def test_get_method() -> None:
    get, value = peer("keras").initializers.get, ai.normal()
    assert get(value) is value
    assert get(peer("keras").initializers.serialize(value)) == value


@pytest.mark.parametrize(
    ("arguments", "text"),
    [((-1,), "scale must be above 0"), ((1.0, "fan"), "mode must be"), ((1.0, "fan_in", "x"), "distribution must be")],
)
def test_variance_scaling_invalid_arguments(arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        ai.variance_scaling(*arguments)


def test_serialization_with_seed_generator() -> None:
    peer("keras")
    for value in (ai.orthogonal(0.5), ai.variance_scaling(3.0), ai.uniform(-2.0, 1.0), ai.normal(0.5, 2.0)):
        serialized(value)


@pytest.mark.parametrize(("layout", "fans"), [("IOO", (512, 512)), ("IIO", (4096, 64))])
def test_compute_fans_with_axes(layout: str, fans: tuple[int, int]) -> None:
    assert ai.calculate_fan_in_and_fan_out((512, 8, 64), layout=layout) == fans


def test_variance_scaling_with_axes() -> None:
    peer("keras")
    for value, fan in ((ai.variance_scaling(2.0, layout="IOO"), 32), (ai.variance_scaling(2.0), 4 * 32)):
        assert numpy(value((32, 4, 16))).std() == pytest.approx((2 / fan) ** 0.5, rel=0.1)
        serialized(value)


def test_mha_query_projection_variance() -> None:
    attention = peer("keras").layers.MultiHeadAttention(8, 16, kernel_initializer=ai.lecun_normal().keras)
    attention.build((1, 4, 32), (1, 4, 32))
    query = next(weight for weight in attention.weights if weight.path.endswith("query/kernel"))
    assert numpy(query.value).std() == pytest.approx(32**-0.5, rel=0.1)


def test_variance_scaling_serialization_with_axes() -> None:
    keras, view = peer("keras"), ai.lecun_normal(layout="IOO").keras
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(view))
    assert again.value == view.value
    view.input_axes, view.output_axes = [0], [1, 2]
    again = type(view).from_config(view.get_config())
    assert (again.input_axes, again.output_axes) == ([0], [1, 2])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ai.zeros(), np.zeros((3, 3))),
        (ai.ones(), np.ones((3, 3))),
        (ai.constant(6.0), np.full((3, 3), 6.0)),
        (ai.eye(gain=2.0), 2 * np.eye(3)),
    ],
    ids=str,
)
def test_constant_initializers(value: Initializer, expected: np.ndarray) -> None:
    peer("keras")
    x = numpy(value((3, 3), dtype="float32"))
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, expected)
    serialized(value)
