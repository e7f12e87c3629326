"""docs/recipes.md: its code runs, and each recipe does what the layer does that it names."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from layer_fans import counted
from peers import peer
from recipes import SECTIONS, run

import arrayinit

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("title", SECTIONS)
def test_the_code_of_the_page_runs(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in re.findall(r">>> import (torch|jax|transformers)", SECTIONS[title]):
        peer(name)
    if "BertPreTrainedModel" in SECTIONS[title]:
        # The page replaces this for good.
        bert = peer("transformers").BertPreTrainedModel
        monkeypatch.setattr(bert, "_init_weights", bert._init_weights)
    run(title)


def keras_layer(name: str, shape: tuple[int, ...], *arguments: Any, **options: Any) -> list[np.ndarray]:
    """Return the weights of a new layer for inputs of this shape."""
    keras = peer("keras")
    layer = getattr(keras.layers, name)(*arguments, **options)
    layer.build((None, *shape))
    return [keras.ops.convert_to_numpy(variable.value) for variable in layer.weights]


KERNELS = {
    "Dense",
    *(f"Conv{n}D{way}" for n in (1, 2, 3) for way in ("", "Transpose")),
    *(f"DepthwiseConv{n}D" for n in (1, 2)),
}
TABLE = re.findall(r"^\| (`.*`) \| \((.*)\) \| (`.*) \|$", SECTIONS["The axes of Keras's kernels"], re.MULTILINE)
LAYOUTS = [
    pytest.param(layer, axes, layout, id=f"{layer} {layout}")
    for layers, axes, layouts in TABLE
    for layer in re.findall(r"`(\w+)`", layers)
    for layout in re.findall(r'`"(.+?)"`', layouts)
    if "..." in layout or len(layout) == 2 + int(layer[-2])
]


def test_the_table_of_keras_has_every_layer_with_a_kernel() -> None:
    assert {case.values[0] for case in LAYOUTS} == KERNELS


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
