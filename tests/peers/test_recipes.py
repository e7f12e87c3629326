"""docs/recipes.md: its code runs, and each recipe does what the layer does that it names."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from layer_fans import counted
from parity_comparisons import orthogonal, same_distribution
from peers import peer
from recipes import SECTIONS, run

import arrayinit

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("title", SECTIONS)
def test_the_code_of_the_page_runs(title: str) -> None:
    for name in re.findall(r">>> import (torch|jax|transformers)", SECTIONS[title]):
        peer(name)
    run(title)


@pytest.fixture
def torch_recipes() -> dict[str, Any]:
    peer("torch")
    return run("The defaults of torch")


@pytest.fixture
def keras_recipes() -> dict[str, Any]:
    peer("keras").utils.set_random_seed(0)
    return run("The defaults of Keras")


def torch_layer(name: str, *arguments: Any, **options: Any) -> tuple[Any, list[Any]]:
    """Return a new layer, tensors like its parameters, and the generator to the state that it began from."""
    torch = peer("torch")
    torch.manual_seed(7)
    layer = getattr(torch.nn, name)(*arguments, **options)
    torch.manual_seed(7)
    return layer, [torch.full_like(x, math.nan, requires_grad=False) for x in layer.parameters()]


def same_parameters(layer: Any, ours: list[Any]) -> None:
    for name, x in zip(layer.named_parameters(), ours, strict=True):
        np.testing.assert_array_equal(name[1].detach(), x, err_msg=name[0])


LINEAR: dict[str, tuple[Any, ...]] = {
    "Linear": (12, 10),
    "Conv1d": (4, 6, 3),
    "Conv2d": (4, 6, 3),
    "Conv3d": (4, 6, 3),
    "ConvTranspose1d": (4, 6, 3),
    "ConvTranspose2d": (4, 6, 3),
    "ConvTranspose3d": (4, 6, 3),
}


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("name", LINEAR)
def test_linear_and_convolutions_are_those_of_torch(torch_recipes: dict[str, Any], name: str, groups: int) -> None:
    layer, parameters = torch_layer(name, *LINEAR[name], **({} if name == "Linear" else {"groups": groups}))
    torch_recipes["torch_linear"](*parameters)
    same_parameters(layer, parameters)


def test_the_bilinear_layer_is_that_of_torch(torch_recipes: dict[str, Any]) -> None:
    layer, parameters = torch_layer("Bilinear", 5, 6, 7)
    torch_recipes["torch_bilinear"](*parameters)
    same_parameters(layer, parameters)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"])
def test_recurrent_layers_are_those_of_torch(torch_recipes: dict[str, Any], name: str) -> None:
    layer, parameters = torch_layer(name, 5, 8)
    torch_recipes["torch_recurrent"](parameters, 8)
    same_parameters(layer, parameters)


@pytest.mark.parametrize("padding", [None, 3])
def test_the_embedding_is_that_of_torch(torch_recipes: dict[str, Any], padding: int | None) -> None:
    layer, parameters = torch_layer("Embedding", 9, 8, padding)
    torch_recipes["torch_embedding"](*parameters, padding)
    same_parameters(layer, parameters)


def test_attention_is_that_of_torch(torch_recipes: dict[str, Any]) -> None:
    layer, parameters = torch_layer("MultiheadAttention", 8, 2)
    torch_recipes["torch_attention"](*parameters)
    same_parameters(layer, parameters)


@pytest.mark.parametrize("name", ["BatchNorm1d", "LayerNorm"])
def test_normalization_layers_of_torch_start_from_ones_and_zeros(name: str) -> None:
    layer, _ = torch_layer(name, 6)
    weight, bias = layer.parameters()
    assert (weight == 1).all()
    assert (bias == 0).all()


def keras_layer(name: str, shape: tuple[int, ...], *arguments: Any, **options: Any) -> list[np.ndarray]:
    """Return the weights of a new layer for inputs of this shape."""
    keras = peer("keras")
    layer = getattr(keras.layers, name)(*arguments, **options)
    layer.build((None, *shape))
    return [keras.ops.convert_to_numpy(variable.value) for variable in layer.weights]


# Kernels of 960 000 elements.
KERNELS: dict[str, tuple[Any, ...]] = {
    "Dense": ((1200,), 800),
    "Conv1D": ((50, 160), 400, 15),
    "Conv2D": ((50, 50, 160), 400, (3, 5)),
    "Conv3D": ((9, 9, 9, 160), 400, (1, 3, 5)),
    "Conv1DTranspose": ((50, 160), 400, 15),
    "Conv2DTranspose": ((50, 50, 160), 400, (3, 5)),
    "Conv3DTranspose": ((9, 9, 9, 160), 400, (1, 3, 5)),
    "DepthwiseConv1D": ((50, 160), 15, 1, "valid", 400),
    "DepthwiseConv2D": ((50, 50, 160), (3, 5), 1, "valid", 400),
}


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_those_of_keras(keras_recipes: dict[str, Any], name: str) -> None:
    kernel, bias = keras_layer(name, *KERNELS[name])
    same_distribution(kernel, keras_recipes["keras_kernel"](np.empty_like(kernel), rng=1))
    assert not bias.any()


TABLE = re.findall(r"^\| (`.*`) \| \((.*)\) \| (`.*) \|$", SECTIONS["The defaults of Keras"], re.MULTILINE)
LAYOUTS = [
    pytest.param(layer, axes, layout, id=f"{layer} {layout}")
    for layers, axes, layouts in TABLE
    for layer in re.findall(r"`(\w+)`", layers)
    for layout in re.findall(r'`"(.+?)"`', layouts)
    if "..." in layout or len(layout) == 2 + int(layer[-2])
]


def test_the_table_of_keras_has_every_layer_with_a_kernel() -> None:
    assert {case.values[0] for case in LAYOUTS} == KERNELS.keys()


# Keras reads its own variables so, on NumPy.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
@pytest.mark.parametrize(("layer", "axes", "layout"), LAYOUTS)
def test_the_axes_and_layouts_of_kernels_are_those_of_keras(layer: str, axes: str, layout: str) -> None:
    keras = peer("keras")
    rank = 0 if layer == "Dense" else int(re.findall(r"\d", layer)[0])
    sizes = {"in": 4, "out": 6, "multiplier": 5}
    # One of the inputs and outputs has all of a kernel about it.
    inputs, kernel = (1, *rank * (9,), sizes["in"]), (3,) * rank
    options = {"depth_multiplier": 5} if "Depthwise" in layer else {"units" if layer == "Dense" else "filters": 6}
    made = getattr(keras.layers, layer)(**options, **({"kernel_size": kernel} if rank else {}))
    made.build(inputs)
    shape = tuple(made.kernel.shape)
    assert shape == (*kernel, *(sizes[name] for name in axes.removeprefix("\\*kernel, ").split(", ")))
    made.kernel.assign(np.ones(shape, "float32"))

    def apply(x: np.ndarray) -> np.ndarray:
        return keras.ops.convert_to_numpy(made(x))

    fans = tuple(counted(apply, inputs, mode) for mode in ("fan_in", "fan_out"))
    assert fans == arrayinit.calculate_fan_in_and_fan_out(shape, layout=layout)
    wrong = "...IO" if layout != "...IO" else "...OI"
    assert fans != arrayinit.calculate_fan_in_and_fan_out(shape, layout=wrong)


@pytest.mark.parametrize(("name", "rank"), [("SeparableConv1D", 1), ("SeparableConv2D", 2)])
def test_separable_kernels_are_those_of_the_page(name: str, rank: int) -> None:
    depthwise, pointwise, _ = keras_layer(name, (*rank * (9,), 4), 6, 3, depth_multiplier=5)
    assert depthwise.shape == (*rank * (3,), 4, 5)
    assert pointwise.shape == (*rank * (1,), 4 * 5, 6)


def test_the_embedding_is_that_of_keras(keras_recipes: dict[str, Any]) -> None:
    (embeddings,) = keras_layer("Embedding", (7,), 1200, 800)
    same_distribution(embeddings, keras_recipes["keras_embedding"](np.empty_like(embeddings), rng=1))


def test_the_lstm_is_that_of_keras(keras_recipes: dict[str, Any]) -> None:
    theirs = keras_layer("LSTM", (7, 1200), 200)
    ours = [np.empty_like(x) for x in theirs]
    keras_recipes["keras_lstm"](*ours, seed=1)
    same_distribution(theirs[0], ours[0])
    orthogonal(-1)(theirs[1], ours[1])
    np.testing.assert_array_equal(theirs[2], ours[2])


def test_the_gru_is_that_of_keras(keras_recipes: dict[str, Any]) -> None:
    kernel, recurrent_kernel, bias = keras_layer("GRU", (7, 1200), 200)
    ours = [np.empty_like(kernel), np.empty_like(recurrent_kernel), np.empty(800, np.float32)]
    keras_recipes["keras_lstm"](*ours, seed=1)
    same_distribution(kernel, ours[0])
    orthogonal(-1)(recurrent_kernel, ours[1])
    assert not bias.any()


@pytest.mark.parametrize("name", ["BatchNormalization", "LayerNormalization"])
def test_normalization_layers_of_keras_start_from_ones_and_zeros(name: str) -> None:
    gamma, beta = keras_layer(name, (6,))[:2]
    assert (gamma == 1).all()
    assert not beta.any()
