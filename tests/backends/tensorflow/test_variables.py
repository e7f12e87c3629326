"""Variables of TensorFlow, and modules that hold them: each variable stays the same object, and is assigned."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import FUNCTIONS
from libraries import COMPLEX, FLOAT8, REAL, Library

import arrayinit as ai
from arrayinit.models.readers import read
from arrayinit.testing import Library as Kit
from arrayinit.testing import check_library
from arrayinit.testing.cases import INTEGER

# Without TensorFlow, the fixture skips the tests, or fails them where TensorFlow was asked for.
with suppress(ImportError):
    import tensorflow as tf

pytestmark = [pytest.mark.usefixtures("library"), pytest.mark.parametrize("library", ["tensorflow"], indirect=True)]


def test_variables_pass_the_kit(library: Library) -> None:
    def empty(shape: tuple[int, ...], dtype: str) -> Any:
        return tf.Variable(library.empty(shape, dtype))

    # TensorFlow cannot assign the other float8 dtypes.
    float8 = tuple(dtype for dtype in FLOAT8 if not dtype.endswith("fnuz"))
    check_library(Kit("tf.Variable", empty, library.to_numpy, (*REAL, *COMPLEX, *INTEGER, *float8)))


@pytest.mark.parametrize("rng", [0, None, "tensorflow"])
def test_a_variable_stays_on_its_device(rng: Any) -> None:
    with tf.device("CPU:1"):
        variables = [tf.Variable(tf.zeros(case.shape)) for case in FUNCTIONS.values()]
    for case, v in zip(FUNCTIONS.values(), variables, strict=True):
        before = v.handle
        assert case.fill(v, tf.random.Generator.from_seed(0) if rng else rng) is v
        assert v.handle is before
        assert v.device.endswith("CPU:1")


def test_a_variable_whose_shape_may_change_is_refused() -> None:
    v = tf.Variable(tf.zeros((2, 3)), shape=tf.TensorShape((None, 3)))
    for fill in (ai.normal_, ai.kaiming_normal_, ai.zeros_):
        with pytest.raises(ValueError, match=r"x of shape \(None, 3\) has axes of unknown size"):
            fill(v)


def test_each_replica_is_assigned() -> None:
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        v = tf.Variable(tf.zeros((3, 4)))

    def fill(seed: int) -> None:
        assert ai.normal_(v, rng=seed) is v

    for seed, run in enumerate((fill, tf.function(fill))):
        run(seed)
        expected = ai.normal_(np.empty((3, 4), "float32"), rng=seed)
        for replica in strategy.experimental_local_results(v):
            np.testing.assert_array_equal(replica, expected)
    np.testing.assert_array_equal(ai.copy_(np.empty((3, 4), "float32"), v), expected)


@pytest.mark.parametrize("kind", ["tensor", "variable"])
def test_pieces_are_filled_and_kept(kind: str, library: Library) -> None:
    source = np.arange(24, dtype="float32").reshape(6, 4)

    def filled(rng: Any, *values: Any) -> np.ndarray:
        x = tf.Variable(source) if kind == "variable" else tf.constant(source)
        model = {"w": x}
        names = ("a", "b", "c")
        fused = ai.parts(values[0], 0, names, values=dict(zip(names, values, strict=True)))
        made = ai.initialize(model, [("w", fused)], rng=rng)["w"]
        assert (made is x) == (kind == "variable")
        return library.to_numpy(made)

    kept = filled(3, ai.keep(), ai.normal(), ai.orthogonal(layout="OI"))
    np.testing.assert_array_equal(kept[:2], source[:2])
    np.testing.assert_allclose(kept[4:] @ kept[4:].T, np.eye(2), atol=1e-5)
    drawn = filled(tf.random.Generator.from_seed(0), ai.ones(), ai.normal(), ai.keep())
    assert (drawn[:2] == 1).all()
    assert (drawn[2:4] != source[2:4]).all()
    np.testing.assert_array_equal(drawn[4:], source[4:])


class Layer:
    """A mixin of attributes: TensorFlow is imported after this file."""

    def give(self, inputs: int, outputs: int) -> None:
        self.w = tf.Variable(tf.zeros((inputs, outputs)))
        self._b = tf.Variable(tf.zeros(outputs))
        self.steps = tf.Variable(5, trainable=False)


def module() -> Any:
    class Dense(tf.Module, Layer):
        pass

    class Model(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [Dense(), Dense()]
            self.heads = {"a": Dense()}
            for layer in (*self.layers, self.heads["a"]):
                layer.give(3, 3)
            self.layers[1].tied = self.layers[0].w

    return Model()


RULES = [("w", ai.kaiming_normal(layout="IO")), ("b", ai.normal())]


def test_a_module_is_initialized() -> None:
    model = module()
    found = {p.name: p for p in read(model).parameters}
    layers = ("heads.a", "layers.0", "layers.1")
    assert sorted(found) == sorted(
        ["layers.1.tied", *(f"{layer}.{name}" for layer in layers for name in ("w", "b", "steps"))]
    )
    assert found["layers.1.tied"].owner == "layers.0.w"
    assert found["layers.1.w"].holders == (model, model.layers[1])
    assert found["layers.1.steps"].is_buffer
    variables = model.variables
    assert ai.initialize(model, RULES, rng=3) is model
    assert all(a is b for a, b in zip(variables, model.variables, strict=True))
    by_hand = ai.kaiming_normal_(np.empty((3, 3), "float32"), layout="IO", rng=ai.fold_in(3, "layers.1.w"))
    np.testing.assert_array_equal(model.layers[1].w, by_hand)
    assert model.heads["a"].steps == 5


def test_a_module_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="call the model once: Module has no variables yet"):
        ai.plan(tf.Module(), RULES)
    with pytest.raises(ValueError, match="needs the layout of"):
        ai.plan(module(), [("w", ai.kaiming_normal()), ("b", ai.zeros())])


def test_a_value_makes_what_the_dtype_says() -> None:
    tf.random.set_seed(3)
    first = ai.lecun_normal()((30, 40), tf.bfloat16)
    tf.random.set_seed(3)
    again = ai.lecun_normal()((30, 40), dtype=tf.bfloat16)
    assert first.dtype == tf.bfloat16
    np.testing.assert_array_equal(np.asarray(first), np.asarray(again))
    assert np.asarray(first, "float32").std() == pytest.approx(30**-0.5, rel=0.1)
