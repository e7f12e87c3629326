"""recipes.keras_defaults: the laws of the initializers of all layers of Keras that hold variables."""

from __future__ import annotations

import inspect
import sys
from functools import cache
from typing import Any

import numpy as np
import pytest
from parity_comparisons import orthogonal
from peers import peer
from same_laws import MUTANTS, SIZE, Pool, differ

import arrayinit as ai
from arrayinit.models.readers import read
from arrayinit.recipes import keras_defaults

pytestmark = [
    pytest.mark.peers,
    # Keras reads its own variables so, on NumPy.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

Arguments = tuple[Any, ...]
Case = tuple[Arguments, dict[str, Any], Arguments]

# The arguments of each layer, and the shape of its inputs. Each random variable has 500 000 draws or more.
LAYERS: dict[str, Case] = {
    "Dense": ((1200,), {}, (None, 500)),
    "EinsumDense": (("abc,cde->abde", (3, 40, 30)), {"bias_axes": "de"}, (None, 3, 500)),
    "EinsumDense over a batch of weights": (("abc,bcd->abd", (20, 400)), {}, (None, 20, 80)),
    "Embedding": ((1000, 600), {}, (None, 7)),
    "ReversibleEmbedding": ((1000, 600, False), {}, (None, 7)),
    "Conv1D": ((400, 15), {}, (None, 50, 100)),
    "Conv2D": ((400, (3, 5)), {"groups": 4}, (None, 50, 50, 400)),
    "Conv3D": ((400, (1, 3, 5)), {}, (None, 9, 9, 9, 100)),
    "Conv1DTranspose": ((400, 15), {}, (None, 50, 100)),
    "Conv2DTranspose": ((400, (3, 5)), {}, (None, 50, 50, 100)),
    "Conv3DTranspose": ((400, (1, 3, 5)), {}, (None, 9, 9, 9, 100)),
    "DepthwiseConv1D": ((15,), {"depth_multiplier": 400}, (None, 50, 100)),
    "DepthwiseConv2D": (((3, 5),), {"depth_multiplier": 400}, (None, 50, 50, 100)),
    "SeparableConv1D": ((30, 15), {"depth_multiplier": 400}, (None, 50, 100)),
    "SeparableConv2D": ((30, (3, 5)), {"depth_multiplier": 400}, (None, 50, 50, 100)),
    "SimpleRNN": ((750,), {}, (None, 5, 700)),
    "GRU": ((420,), {}, (None, 5, 420)),
    "LSTM": ((360,), {}, (None, 5, 360)),
    "LSTM without a forget bias": ((360,), {"unit_forget_bias": False}, (None, 5, 360)),
    "ConvLSTM1D": ((210, 3), {}, (None, 5, 9, 210)),
    "ConvLSTM2D": ((120, 3), {}, (None, 5, 9, 9, 120)),
    "ConvLSTM3D": ((120, (1, 3, 3)), {}, (None, 5, 3, 9, 9, 120)),
    "MultiHeadAttention": ((4, 180), {}, ((None, 5, 720), (None, 5, 720))),
    "GroupQueryAttention": ((180, 4, 4), {}, ((None, 5, 720), (None, 5, 720))),
    "AdditiveAttention": ((), {}, ([(None, 5, SIZE), (None, 5, SIZE)],)),
    "Attention": ((), {"use_scale": True, "score_mode": "concat"}, ([(None, 5, 6), (None, 5, 6)],)),
    "BatchNormalization": ((), {"renorm": True}, (None, 6)),
    "LayerNormalization": ((), {}, (None, 6)),
    "GroupNormalization": ((2,), {}, (None, 6)),
    "RMSNormalization": ((), {}, (None, 6)),
    "PReLU": ((), {}, (None, 6)),
}


def layer(name: str) -> Any:
    """Return a new layer with its variables."""
    arguments, options, inputs = LAYERS[name]
    made = getattr(peer("keras").layers, name.partition(" ")[0])(*arguments, **options)
    made.build(*(inputs if isinstance(inputs[0], (tuple, list)) else [inputs]))
    return made


# They wrap a layer or a model that is given, or are the cells of layers; Normalization keeps what it has learned, and
# the kernels of STFTSpectrogram are no weights.
OTHERS = {"RNN", "SpectralNormalization", "JaxLayer", "FlaxLayer", "TFSMLayer", "Normalization", "STFTSpectrogram"}
OTHERS |= {"SimpleRNNCell", "GRUCell", "LSTMCell"}


@cache
def makes_variables(module: str) -> bool:
    return "add_weight(" in inspect.getsource(sys.modules[module])


def test_each_layer_with_variables_is_compared() -> None:
    layers = peer("keras").layers
    classes = {cls for cls in vars(layers).values() if isinstance(cls, type) and issubclass(cls, layers.Layer)}
    bases = {cls: [base.__module__ for base in cls.__mro__ if issubclass(base, layers.Layer)][:-1] for cls in classes}
    own = {cls: [name for name in names if name != layers.Layer.__module__] for cls, names in bases.items()}
    found = {cls.__name__ for cls, modules in own.items() if any(map(makes_variables, modules))}
    assert found <= {name.partition(" ")[0] for name in LAYERS} | OTHERS


def arrays(of: Any) -> dict[str, np.ndarray]:
    return {p.name: np.array(peer("keras").ops.convert_to_numpy(p.array)) for p in read(of).parameters}


@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_has_the_laws_of_its_initializers(name: str) -> None:
    peer("keras").utils.set_random_seed(1)
    made = layer(name)
    theirs = arrays(made)
    plan = ai.plan(made, keras_defaults())
    assert {step.name for step in plan} == theirs.keys()
    ours = arrays(ai.initialize(made, keras_defaults(), rng=2))
    for step in plan:
        x, y = theirs[step.name], ours[step.name]
        if "orthogonal" in repr(step.action):
            orthogonal(-1)(x, y)
        elif not isinstance(step.action, ai.Initializer) or not step.action.draws:
            np.testing.assert_array_equal(x, y, err_msg=step.name, strict=True)
        else:
            assert x.size >= SIZE
            theirs_of, ours_of = (Pool(values.ravel()[:SIZE]) for values in (x, y))
            assert not differ(theirs_of, ours_of), step.name
            assert all(differ(theirs_of, change(ours_of, step)) for change in MUTANTS), step.name


def test_the_vector_of_spectral_normalization_has_its_law() -> None:
    keras = peer("keras")
    keras.utils.set_random_seed(1)
    made = keras.layers.SpectralNormalization(keras.layers.Dense(SIZE))
    made.build((None, 1))
    theirs = arrays(made)
    ours = arrays(ai.initialize(made, keras_defaults(), rng=2))
    for name in ("vector_u", "dense.kernel"):
        assert not differ(Pool(theirs[name].ravel()), Pool(ours[name].ravel())), name
