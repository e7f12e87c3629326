"""One model in many frameworks: one list of rules and one seed give the same weights, permuted, and the same logits."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import models_of_frameworks as models
import models_of_jax
import numpy as np
import pytest
from models_of_mlx import mlx_result
from models_of_tinygrad import tinygrad_result
from peers import peer
from processes import run

import arrayinit as ai

pytestmark = pytest.mark.peers

IN_PROCESS = {
    "nnx": ("flax", models_of_jax.nnx_result),
    "linen": ("flax", models_of_jax.linen_result),
    "equinox": ("equinox", models_of_jax.equinox_result),
    "haiku": ("haiku", models_of_jax.haiku_result),
    "mlx": ("mlx", mlx_result),
    "tinygrad": ("tinygrad", tinygrad_result),
}
# The axes of torch's kernels in the order of a framework; of one that is missing here, see as_torch.
AXES = {"equinox": (0, 1, 2, 3), "tinygrad": (0, 1, 2, 3), "mlx": (0, 3, 1, 2)}
Weights = dict[str, np.ndarray]
Once = Callable[..., Path]
KERAS = ["keras on jax", "keras on torch", pytest.param("keras on tensorflow", marks=pytest.mark.large)]
SCRIPT = "import sys, pathlib, keras_models; keras_models.main(pathlib.Path(sys.argv[1]))"


@cache
def of_torch() -> models.Result:
    return models.torch_result()


@cache
def of_keras(backend: str, once: Once) -> dict[str, Weights]:
    """The model and one made after 100 unrelated layers; Keras has one backend in a process."""
    peer("keras"), peer(backend)
    found: dict[str, Weights] = {}
    for file in once(
        f"keras-model-{backend}", lambda path: run(SCRIPT, str(path), timeout=300, KERAS_BACKEND=backend)
    ).iterdir():
        with np.load(file) as arrays:
            found[file.stem] = dict(arrays)
    return found


@cache
def result(framework: str, once: Once) -> models.Result:
    if framework.startswith("keras on "):
        weights = dict(of_keras(framework.removeprefix("keras on "), once)["first"])
        return weights, weights.pop("logits")
    module, function = IN_PROCESS[framework]
    peer(module)
    if framework in ("mlx", "tinygrad"):
        return function()
    jax = peer("jax")
    # Equinox makes arrays of 64 bits where JAX has them.
    with jax.enable_x64(False):
        return function()


def as_torch(framework: str, name: str, array: np.ndarray) -> np.ndarray:
    """Return a weight in the order of torch's."""
    if framework in AXES:
        return array.transpose(AXES[framework]) if array.ndim == 4 else array
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    # The inputs of the last projection of attention are its first two axes, and of all others the first one.
    inputs = (-1, array.shape[-1]) if name.endswith("out.weight") else (array.shape[0], -1)
    return array.reshape(inputs).T


@pytest.mark.parametrize("framework", [*IN_PROCESS, *KERAS])
def test_the_weights_are_those_of_torch_bit_for_bit(framework: str, once: Once) -> None:
    expected, weights = of_torch()[0], result(framework, once)[0]
    assert sorted(weights) == sorted(expected)
    assert len(expected) == 3 + 2 * 16 + 4
    for name, array in weights.items():
        is_kernel = name.endswith("weight") and array.ndim > 1
        permuted = as_torch(framework, name, array) if is_kernel else array.reshape(expected[name].shape)
        assert permuted.dtype == expected[name].dtype
        np.testing.assert_array_equal(permuted, expected[name], err_msg=name)


@pytest.mark.parametrize("framework", [*IN_PROCESS, *KERAS])
def test_the_logits_are_those_of_torch(framework: str, once: Once) -> None:
    expected = of_torch()[1]
    assert expected.std() > 0.1
    np.testing.assert_allclose(result(framework, once)[1], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("framework", KERAS)
def test_a_hundred_unrelated_layers_change_nothing(framework: str, once: Once) -> None:
    first, later = result(framework, once)[0], of_keras(framework.removeprefix("keras on "), once)["later"]
    assert list(first) == list(later)
    for name, array in first.items():
        np.testing.assert_array_equal(later[name], array, err_msg=name)


def test_torchs_weights_are_those_of_a_loop_by_hand() -> None:
    """The seeds are those of the names alone, so that the comparison is not of one mistake with itself."""
    torch = peer("torch")
    weights = of_torch()[0]
    for name, fill in {
        "stem.weight": lambda x, rng: ai.kaiming_normal_(x, nonlinearity="relu", rng=rng),
        "block_1.attention.query.weight": lambda x, rng: ai.xavier_uniform_(x, rng=rng),
        "block.dense_1.weight": lambda x, rng: ai.lecun_normal_(x, rng=rng),
    }.items():
        by_hand = fill(torch.empty(weights[name].shape), ai.fold_in(models.SEED, name))
        np.testing.assert_array_equal(weights[name], by_hand.numpy())
