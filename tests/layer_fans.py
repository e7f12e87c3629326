"""The fans of the frameworks' layers, counted by what the layers do, and as the frameworks' initializers take them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from peers import peer

Shape = tuple[int, ...]


class Fan(NamedTuple):
    """The fan that the mode names."""

    true: int
    taken: int
    weight: Shape


MODES = {"grouped convolution": "fan_out", "transposed convolution": "fan_in", "attention kernel": "fan_in"}


@cache
def fan_of(framework: str, kind: str) -> Fan:
    """Return the fan of a layer of this kind of the framework."""
    return {"torch": _torch_fan, "jax": _jax_fan, "keras": _keras_fan}[framework](kind)


def _torch_fan(kind: str) -> Fan:
    torch = peer("torch")
    layer, inputs, weight = {
        "grouped convolution": (lambda x, w: torch.conv2d(x, w, groups=2), (1, 4, 9, 9), (8, 2, 3, 3)),
        "transposed convolution": (torch.conv_transpose2d, (1, 4, 9, 9), (4, 8, 3, 3)),
        "attention kernel": (lambda x, w: torch.einsum("be,ehd->bhd", x, w), (1, 6), (6, 4, 5)),
    }[kind]

    def drawn(initializer: Callable[..., Any], **arguments: Any) -> np.ndarray:
        return initializer(torch.empty(weight), generator=torch.Generator().manual_seed(0), **arguments).numpy()

    return Fan(
        counted(lambda x: layer(torch.from_numpy(x), torch.ones(weight)).numpy(), inputs, MODES[kind]),
        scaled_by(
            drawn(torch.nn.init.kaiming_normal_, mode=MODES[kind], nonlinearity="linear"),
            drawn(torch.nn.init.normal_),
        ),
        weight,
    )


def _jax_fan(kind: str) -> Fan:
    jax = peer("jax")
    numbers = ("NHWC", "HWIO", "NHWC")
    layer, inputs, weight = {
        "grouped convolution": (
            lambda x, w: jax.lax.conv_general_dilated(
                x, w, (1, 1), "SAME", dimension_numbers=numbers, feature_group_count=2
            ),
            (1, 9, 9, 4),
            (3, 3, 2, 8),
        ),
        "transposed convolution": (
            lambda x, w: jax.lax.conv_transpose(x, w, (1, 1), "SAME", dimension_numbers=numbers, transpose_kernel=True),
            (1, 9, 9, 4),
            (3, 3, 8, 4),
        ),
        "attention kernel": (lambda x, w: jax.numpy.einsum("be,ehd->bhd", x, w), (1, 6), (6, 4, 5)),
    }[kind]

    def drawn(initializer: Callable[..., Any]) -> np.ndarray:
        return np.asarray(initializer(jax.random.key(0), weight, "float32"))

    init = jax.nn.initializers
    return Fan(
        counted(lambda x: np.asarray(layer(x, np.ones(weight, "float32"))), inputs, MODES[kind]),
        scaled_by(drawn(init.variance_scaling(1.0, MODES[kind], "normal")), drawn(init.normal(1.0))),
        weight,
    )


def _keras_fan(kind: str) -> Fan:
    keras = peer("keras")
    init = keras.initializers
    scaling = init.VarianceScaling(1.0, MODES[kind], "untruncated_normal", seed=0)
    layer = {
        "grouped convolution": lambda: keras.layers.Conv2D(8, 3, groups=2, kernel_initializer=scaling),
        "transposed convolution": lambda: keras.layers.Conv2DTranspose(8, 3, kernel_initializer=scaling),
    }[kind]()
    inputs = (1, 9, 9, 4)
    layer.build(inputs)
    shape, numpy = tuple(layer.kernel.shape), keras.ops.convert_to_numpy
    taken = scaled_by(numpy(layer.kernel.value), numpy(init.RandomNormal(stddev=1.0, seed=0)(shape)))
    layer.kernel.assign(np.ones(shape, "float32"))
    return Fan(counted(lambda x: numpy(layer(x)), inputs, MODES[kind]), taken, shape)


def counted(layer: Callable[[np.ndarray], np.ndarray], inputs: Shape, mode: str) -> int:
    """Return how many inputs an output of a layer has, or outputs an input; its weights are ones."""
    if mode == "fan_in":
        return round(float(layer(np.ones(inputs, "float32")).max()))
    x = np.zeros(inputs, "float32")
    x[tuple(n // 2 for n in inputs)] = 1
    return round(float(layer(x).sum()))


def scaled_by(weights: np.ndarray, unit: np.ndarray) -> int:
    """Return the fan of weights of variance 1 / fan, given the same draws with variance 1."""
    return round(float((unit**2).sum() / (weights**2).sum()))
