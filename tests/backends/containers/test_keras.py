"""Variables of Keras, on each of its backends."""

from __future__ import annotations

import keras_variables
import pytest
from libraries import Library
from peers import wanted
from processes import run

import arrayinit as ai

# The backend of a process is chosen once. TensorFlow takes a gigabyte, and has a session of its own.
BACKENDS = [name for name in ("jax", "torch", "tensorflow") if name != "tensorflow" or wanted(name)]


@pytest.mark.parametrize("check", keras_variables.CHECKS, ids=lambda check: check.__name__)
def test_variables_on_numpy(keras_library: Library, check: keras_variables.Check) -> None:
    check()


@pytest.mark.parametrize("backend", BACKENDS)
def test_variables_on_another_backend(keras_library: Library, backend: str) -> None:
    script = "import keras_variables; keras_variables.main()"
    lines = run(script, timeout=300, KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3").splitlines()
    assert lines == [backend, *(check.__name__ for check in keras_variables.CHECKS)]


def test_a_symbolic_tensor_and_a_layer_are_refused_with_what_to_pass(keras_library: Library) -> None:
    import keras

    with pytest.raises(TypeError, match=r"KerasTensor: it is symbolic and has no values; pass the variable of a layer"):
        ai.normal_(keras.Input((3,)))
    with pytest.raises(
        TypeError, match=r"Dense: pass one of its parameters, or fill all of them by arrayinit.initiali"
    ):
        ai.normal_(keras.layers.Dense(3))
