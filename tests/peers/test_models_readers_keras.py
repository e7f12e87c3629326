"""The reader of Keras: names that do not depend on what else was built, and layers that are not built."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from layers_of_frameworks import described
from peers import peer

import arrayinit as ai
from arrayinit.models.readers import read

pytestmark = pytest.mark.peers

RANDOM = [("**", ai.normal())]


def dense(*names: str) -> dict[str, str]:
    return {f"{name}.{part}": text for name in names for part, text in {"kernel": "4x4 ...IO", "bias": "4 -"}.items()}


def nested(keras: Any) -> Any:
    layer = keras.layers.Dense
    inner = keras.Sequential([layer(4), keras.layers.Dropout(0.5), layer(4)])
    return keras.Sequential([keras.Input((4,)), layer(4), inner, layer(4), keras.Sequential([layer(4, name="last")])])


def functional(keras: Any) -> Any:
    """A layer that is used twice, and a model in a model."""
    layer = keras.layers.Dense
    inner_in, x = keras.Input((4,)), keras.Input((4,))
    inner = keras.Model(inner_in, layer(4)(inner_in))
    twice = layer(4)
    return keras.Model(x, inner(layer(4)(twice(keras.layers.Dropout(0.5)(twice(x))))))


def subclassed(keras: Any) -> Any:
    class Model(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = keras.layers.Dense(4)
            self.others = [keras.layers.Dense(4), self.first]
            self.table = self.add_weight(shape=(2, 3), name="table")
            self.steps = self.add_weight(shape=(), name="steps", trainable=False)

        def call(self, x: Any) -> Any:
            for layer in (self.first, *self.others):
                x = layer(x)
            return x

    model = Model()
    model(np.ones((1, 4), "float32"))
    return model


def recurrent(keras: Any) -> Any:
    return keras.Sequential([keras.Input((5, 3)), keras.layers.Bidirectional(keras.layers.LSTM(2))])


LSTM = {"lstm_cell.kernel": "3x8 ...IO", "lstm_cell.recurrent_kernel": "2x8 ...IO", "lstm_cell.bias": "8 -"}
MODELS = {
    "nested": (nested, dense("dense", "sequential.dense", "sequential.dense_1", "dense_1", "sequential_1.last")),
    "functional": (functional, dense("dense", "dense_1", "functional.dense")),
    "subclassed": (subclassed, {"table": "2x3 -", "steps": "() - buffer", **dense("dense", "dense_1")}),
    "recurrent": (
        recurrent,
        {f"bidirectional.{way}_lstm.{name}": text for way in ("forward", "backward") for name, text in LSTM.items()},
    ),
}


@pytest.mark.parametrize("kind", MODELS)
def test_names_do_not_depend_on_what_was_built_before(kind: str) -> None:
    keras = peer("keras")
    make, expected = MODELS[kind]
    for _ in range(2):
        model = make(keras)
        assert described(model) == expected
        rules = [*([("steps", ai.zeros())] if "steps" in expected else []), *RANDOM]
        assert ai.initialize(model, rules, rng=0) is model
        for p in read(model).parameters:
            if not p.is_buffer:
                by_hand = ai.normal_(np.empty(p.shape, "float32"), rng=ai.fold_in(0, p.name), layout=p.layout)
                np.testing.assert_array_equal(np.asarray(getattr(p.module, p.local).value), by_hand, err_msg=p.name)
        _ = [
            keras.layers.Dense(1),
            keras.layers.LSTM(1),
            keras.Sequential(),
            keras.layers.Bidirectional(keras.layers.LSTM(1)),
        ]


def test_the_random_state_of_a_dropout_is_no_parameter() -> None:
    keras = peer("keras")
    layer = keras.layers.Dropout(0.5)
    assert len(layer.variables) == 1
    assert described(keras.Sequential([keras.Input((4,)), layer])) == {}


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda keras: keras.layers.Dense(3, name="head"), "head"),
        (
            lambda keras: keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(3)], name="model"),
            "model, dense, dense_1",
        ),
        (lambda keras: keras.layers.MultiHeadAttention(2, 3, name="attention"), "attention"),
    ],
)
def test_what_is_not_built_is_refused(make: Any, names: str) -> None:
    with pytest.raises(ValueError, match=rf"call the model once, or build it by .* no variables yet: {names}$"):
        ai.plan(make(peer("keras")), RANDOM)


def test_a_part_that_was_never_called_is_refused() -> None:
    keras = peer("keras")

    class Model(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.forgotten = keras.layers.Dense(3), keras.layers.Dense(3, name="forgotten")
            self.plain = keras.layers.Layer()

        def build(self, shape: Any) -> None:
            self.used.build(shape)

    model = Model()
    model.build((1, 4))
    # A layer whose class has no method build never has variables.
    assert not model.plain.built
    with pytest.raises(ValueError, match=r"no variables yet: forgotten$"):
        ai.initialize(model, RANDOM, rng=0)
    model.forgotten.build((None, 4))
    assert ai.initialize(model, RANDOM, rng=0) is model


def test_variables_without_a_name_are_counted_in_their_layer() -> None:
    keras = peer("keras")

    class Scaled(keras.layers.Layer):
        def build(self, _shape: Any) -> None:
            self.a, self.b = self.add_weight(shape=(3,)), self.add_weight(shape=(3,))

        def call(self, x: Any) -> Any:
            return x * self.a + self.b

        # Keras would call the layer with empty memory, which may hold signaling NaNs.
        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    for _ in range(2):
        model = keras.Sequential([keras.Input((3,)), Scaled()])
        names = [step.name for step in ai.plan(model, [("**", ai.ones())])]
        assert names == ["scaled.variable", "scaled.variable_1"]
