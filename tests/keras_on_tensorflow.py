"""What Keras makes of arrayinit where its arrays are TensorFlow's. Keras has one backend in a process: run as main."""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import arrayinit as ai
from arrayinit.models.readers import read

IMAGES = np.random.default_rng(0).normal(size=(16, 8, 8, 3)).astype("float32")
CLASSES = np.arange(16) % 4
RULES = [("bias", ai.zeros()), ("kernel", ai.kaiming_normal(nonlinearity="relu"))]


def model() -> Any:
    """A small network."""
    layers = keras.layers
    return keras.Sequential([layers.Conv2D(8, 3, activation="relu"), layers.Flatten(), layers.Dense(4)])


def built() -> Any:
    """The network with its variables."""
    made = model()
    made.build(IMAGES.shape)
    return made


def check_weights(filled: Any) -> None:
    """Check all weights against those made by hand in NumPy."""
    assert len(filled.get_weights()) == 4
    for p, weight in zip(read(filled).parameters, filled.get_weights(), strict=True):
        by_hand = np.zeros(p.shape, "float32")
        if p.local == "kernel":
            ai.kaiming_normal_(by_hand, nonlinearity="relu", layout=p.layout, rng=ai.fold_in(3, p.name))
        np.testing.assert_array_equal(weight, by_hand, err_msg=p.name)


def check_a_built_model() -> None:
    """The variables stay the same objects, and are assigned."""
    network = built()
    variables = [variable.value for variable in network.variables]
    assert all(isinstance(variable, tf.Variable) for variable in variables)
    assert ai.initialize(network, RULES, rng=3) is network
    check_weights(network)
    assert all(a is b.value for a, b in zip(variables, network.variables, strict=True))


def check_a_model_without_variables() -> None:
    """A model that is not built is refused."""
    with pytest.raises(ValueError, match="have no variables yet"):
        ai.initialize(model(), RULES, rng=3)


def check_training() -> None:
    """A compiled training step takes the weights, and changes them; a seed resets them."""
    network = built()
    ai.initialize(network, RULES, rng=3)
    network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = network.get_weights()
    losses = network.fit(IMAGES, CLASSES, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all((a != b).any() for a, b in zip(before, network.get_weights(), strict=True))
    ai.initialize(network, RULES, rng=3)
    check_weights(network)
    again = network.fit(IMAGES, CLASSES, epochs=1, verbose=0).history["loss"]
    assert abs(again[0] - losses[0]) < 1e-5


def check_a_function() -> None:
    """A tf.function assigns the variables, also where XLA compiles it."""
    for jit_compile in (False, True):
        network = built()
        tf.function(lambda model=network: ai.initialize(model, RULES, rng=3) and None, jit_compile=jit_compile)()
        check_weights(network)


def check_a_strategy() -> None:
    """Each replica gets the same weights, from `initialize` and from values of the layers."""
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        network = built()
        ai.initialize(network, RULES, rng=3)
        layer = keras.layers.Dense(4, kernel_initializer=ai.lecun_normal())
        layer.build((None, 8))
    for variable in (*network.variables, layer.kernel):
        first, second = (np.asarray(replica) for replica in strategy.experimental_local_results(variable.value))
        np.testing.assert_array_equal(first, second)
    check_weights(network)
    assert np.asarray(layer.kernel).std() > 0.1


def check_a_variable() -> None:
    """The functions take a variable of Keras, and the variable of TensorFlow in it."""
    for dtype in ("float32", "bfloat16", "float16"):
        variable = keras.Variable(np.zeros((3, 4)), dtype=dtype)
        expected = ai.normal_(tf.TensorSpec((3, 4), dtype), rng=1)
        assert ai.normal_(variable.value, rng=1) is variable.value
        np.testing.assert_array_equal(np.asarray(variable.value), np.asarray(expected))
        assert ai.copy_(variable.value, np.ones((3, 4))) is variable.value
        assert (np.asarray(variable.value) == 1).all()


def check_defaults() -> None:
    """The recipe of Keras's defaults gives a model its laws."""
    network = built()
    ai.initialize(network, ai.recipes.keras_defaults(), rng=0)
    kernel, *_ = network.get_weights()
    bound = (6 / (3 * 9 + 8 * 9)) ** 0.5
    assert 0.9 * bound < abs(kernel).max() < bound


CHECKS = (
    check_a_built_model,
    check_a_model_without_variables,
    check_training,
    check_a_function,
    check_a_strategy,
    check_a_variable,
    check_defaults,
)


def main() -> None:
    """Run all checks."""
    assert keras.backend.backend() == "tensorflow"
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    keras.utils.set_random_seed(0)
    for check in CHECKS:
        check()
        sys.stdout.write(f"{check.__name__}\n")
