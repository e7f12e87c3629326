"""Values as the initializers of Keras's layers, on its backends: the seeds, the fans, clones and files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from peers import peer
from processes import run

pytestmark = pytest.mark.peers

SCRIPT = "import sys, pathlib, keras_values; keras_values.main(pathlib.Path(sys.argv[1]))"
BACKENDS = ["jax", "torch", "numpy", pytest.param("tensorflow", marks=pytest.mark.large)]
Weights = dict[str, np.ndarray]
Read = Callable[[str, str], Weights]


@pytest.fixture
def folder(once: Callable[..., Path]) -> Callable[[str], Path]:
    """Return the folder that the script writes on a backend."""

    def made(backend: str) -> Path:
        peer("keras")
        if backend != "numpy":
            peer(backend)
        return once(f"keras-{backend}", lambda path: run(SCRIPT, str(path), timeout=300, KERAS_BACKEND=backend))

    return made


@pytest.fixture
def read(folder: Callable[[str], Path]) -> Read:
    """Return the function that reads the weights of a model on a backend."""
    return lambda backend, name: load(folder(backend) / f"{name}.npz")


def load(file: Path) -> Weights:
    with np.load(file) as arrays:
        return {path: arrays[path] for path in arrays}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


def equal(a: Weights, b: Weights) -> None:
    assert list(a) == list(b)
    for path, array in a.items():
        np.testing.assert_array_equal(array, b[path], err_msg=path)


def test_a_seed_of_keras_gives_the_model_again(backend: str, read: Read) -> None:
    equal(*(read(backend, name) for name in ("first", "again")))
    first, other = (read(backend, name) for name in ("first", "other"))
    for path, array in first.items():
        assert (array != other[path]).mean() > 0.7 or not array.any(), path


def test_a_clone_draws_from_the_seed(backend: str, read: Read) -> None:
    """Keras builds the layers of a clone in another order, so that the clone is another draw."""
    cloned, first = read(backend, "cloned"), read(backend, "first")
    equal(cloned, read(backend, "cloned again"))
    assert {path: array.shape for path, array in cloned.items()} == {path: a.shape for path, a in first.items()}
    np.testing.assert_array_equal(cloned["conv.kernel"], first["conv.kernel"])
    assert cloned["second.kernel"].std() == pytest.approx(first["second.kernel"].std(), rel=0.1)


def test_no_two_layers_are_equal(backend: str, read: Read) -> None:
    drawn = [array for array in read(backend, "first").values() if array.std() > 0]
    for i, array in enumerate(drawn):
        for other in drawn[:i]:
            count = min(array.size, other.size, 8)
            assert (array.ravel()[:count] != other.ravel()[:count]).any()


STD = {
    "conv.kernel": (2 / 36) ** 0.5,
    "conv.bias": 0.1,
    "depthwise.kernel": (2 / 9) ** 0.5,
    "transposed.kernel": (2 / (9 * 32)) ** 0.5,
    "named.kernel": 64**-0.5,
    "told.kernel": 128**-0.5,
    "attention.query.kernel": 128**-0.5,
    "attention.key.kernel": 128**-0.5,
    "attention.value.kernel": 128**-0.5,
    "attention.attention_output.kernel": 128**-0.5,
    "plain.query.kernel": 0.02,
    "plain.query.bias": 0.1,
    "lstm.lstm_cell.kernel": (2 / (128 + 128)) ** 0.5,
    "lstm.lstm_cell.recurrent_kernel": 128**-0.5,
    "first.kernel": (2 / 32) ** 0.5,
    "second.kernel": (2 / 32) ** 0.5,
    "embedding.embeddings": 0.02,
}


@pytest.mark.parametrize("path", STD)
def test_the_std_is_that_of_the_fans_of_the_layer(path: str, backend: str, read: Read) -> None:
    """The std of n draws differs from the expected one by some 1 / sqrt(2 n) of it: four of these are allowed."""
    array = read(backend, "first")[path]
    assert array.std() == pytest.approx(STD[path], rel=4 / (2 * array.size) ** 0.5)


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "numpy"])
def test_one_seed_gives_the_same_model_on_each_backend(backend: str, read: Read) -> None:
    ours, numpys = read(backend, "first"), read("numpy", "first")
    assert list(ours) == list(numpys)
    for path, array in ours.items():
        if "recurrent" in path:
            np.testing.assert_allclose(array, numpys[path], atol=1e-5)
        else:
            np.testing.assert_array_equal(array, numpys[path], err_msg=path)
    equal(read(backend, "narrow"), read("numpy", "narrow"))


def test_a_saved_model_is_loaded_by_another_process(backend: str, folder: Callable[[str], Path], read: Read) -> None:
    file = folder(backend) / "model.keras"
    code = f"""
import keras, numpy as np
import arrayinit
arrayinit.values.register_keras()
model = keras.saving.load_model({str(file)!r})
print(model.get_layer("conv").kernel_initializer)
print(model.get_layer("told").kernel_initializer.value)
weights = {{w.path.replace("/", "."): keras.ops.convert_to_numpy(w) for w in model.weights}}
np.savez({str(file.with_name("loaded.npz"))!r}, **weights)
"""
    assert run(code, timeout=300, KERAS_BACKEND=backend).split("\n")[:2] == [
        "kaiming_normal(nonlinearity='relu')",
        "lecun_normal()",
    ]
    equal(*(read(backend, name) for name in ("first", "loaded")))


def test_a_large_variable_is_made_in_shards() -> None:
    """Keras compiles the initializer of a variable of 250 MiB or more, where devices share it."""
    peer("keras"), peer("jax")
    code = """
import os
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras, numpy as np
import arrayinit as ai
keras.utils.set_random_seed(3)
mesh = keras.distribution.DeviceMesh((8,), ["x"], keras.distribution.list_devices())
layout = keras.distribution.LayoutMap(mesh)
layout[".*kernel"] = ("x", None)
keras.distribution.set_distribution(keras.distribution.ModelParallel(layout_map=layout))
value = ai.normal(std=0.02)
layers = [keras.layers.Dense(2048, kernel_initializer=value) for _ in range(2)]
for layer in layers:
    layer.build((None, 4096))
    assert len(layer.kernel.value.sharding.device_set) == 8
first, second = (np.asarray(layer.kernel.value) for layer in layers)
assert (first != second).mean() > 0.99
assert abs(first.std() - 0.02) < 1e-4
"""
    run(code, timeout=300, KERAS_BACKEND="jax")


def test_what_keras_accepts_as_an_initializer() -> None:
    keras = peer("keras")
    import arrayinit as ai

    value = ai.normal(std=0.02)
    assert keras.initializers.get(value) is value
    assert keras.initializers.get(keras.initializers.serialize(value)) == value
    with pytest.raises(TypeError, match=r"pass normal\(\), with the brackets"):
        keras.layers.Dense(3, kernel_initializer=ai.normal).build((None, 2))
