"""One small library of layers, three array libraries, the same initial weights.

A convolutional network learns scikit-learn's handwritten digits on NumPy, torch and
JAX. The layers are written once, over the array API standard, with gradients by hand.
`arrayinit` fills their weights: no layer needs to know its array library.

    python examples/digits.py [--backend {numpy,torch,jax,all}]

The exit status is 1 if any backend stays below 95 % on the test images.
"""

import argparse
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from array_api_compat import array_namespace
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import arrayinit

Array: TypeAlias = Any
Namespace: TypeAlias = Any
Params: TypeAlias = tuple[Array, ...]
Pullback: TypeAlias = Callable[[Array], tuple[Array, Params]]
Initializer: TypeAlias = Callable[..., Array]

NAMESPACES = {"numpy": "array_api_compat.numpy", "torch": "array_api_compat.torch", "jax": "jax.numpy"}
REQUIRED_ACCURACY = 0.95

kaiming = partial(arrayinit.kaiming_uniform_, nonlinearity="relu")


class Layer:
    """Maps a batch to its output and a pullback.

    The pullback takes the gradient at the output. It returns the gradient at the input,
    and the gradients of `params` in order.
    """

    params: Params = ()

    def __call__(self, x: Array) -> tuple[Array, Pullback]:
        raise NotImplementedError


class Affine(Layer):
    """A layer with a weight of shape (out, in, ...) and a bias of shape (out,)."""

    def __init__(
        self, xp: Namespace, shape: tuple[int, ...], rng: np.random.Generator, init: Initializer = kaiming
    ) -> None:
        # Use the returned array: JAX arrays are immutable, and stay as they are.
        weight = init(xp.empty(shape, dtype=xp.float32), rng=rng)
        bias = arrayinit.zeros_(xp.empty(shape[:1], dtype=xp.float32))
        self.params = (weight, bias)


class Dense(Affine):
    """y = x W^T + b, with W of shape (out, in)."""

    def __call__(self, x: Array) -> tuple[Array, Pullback]:
        xp = array_namespace(x)
        weight, bias = self.params

        def pullback(dy: Array) -> tuple[Array, Params]:
            return dy @ weight, (dy.T @ x, xp.sum(dy, axis=0))

        return x @ weight.T + bias, pullback


class Conv2d(Affine):
    """Cross-correlation, stride 1, no padding, with W of shape (out, in, kh, kw)."""

    def __call__(self, x: Array) -> tuple[Array, Pullback]:
        xp = array_namespace(x)
        weight, bias = self.params
        kh, kw = weight.shape[2:]
        seen = windows(x, kh, kw)

        def pullback(dy: Array) -> tuple[Array, Params]:
            # Each pixel gets the gradients of all windows with this pixel: a full
            # correlation of dy with the kernel, turned by 180 degrees.
            turned = xp.flip(xp.permute_dims(weight, (1, 0, 2, 3)), axis=(2, 3))
            dx = correlate(windows(dy, kh, kw, margins=(kh - 1, kw - 1)), turned)
            dweight = xp.tensordot(dy, seen, axes=((0, 2, 3), (0, 4, 5)))
            return dx, (dweight, xp.sum(dy, axis=(0, 2, 3)))

        return correlate(seen, weight) + bias[:, None, None], pullback


class Relu(Layer):
    """y = max(x, 0)."""

    def __call__(self, x: Array) -> tuple[Array, Pullback]:
        active = array_namespace(x).astype(x > 0, x.dtype)
        return x * active, lambda dy: (dy * active, ())


class Flatten(Layer):
    """Flattens all axes but the batch into one axis."""

    def __call__(self, x: Array) -> tuple[Array, Pullback]:
        xp = array_namespace(x)
        y = xp.reshape(x, (x.shape[0], -1))
        return y, lambda dy: (xp.reshape(dy, x.shape), ())


def windows(x: Array, kh: int, kw: int, margins: tuple[int, int] = (0, 0)) -> Array:
    """Return all (kh, kw) windows of the zero-padded `x`: (batch, channels, kh, kw, rows, columns)."""
    xp = array_namespace(x)
    n, *image = x.shape
    size = math.prod(image)
    # Cut windows from an array of pixel numbers, and take the pixels with these numbers. The number `size` is a zero.
    numbers = np.arange(size).reshape(image)
    padded = np.pad(numbers, [(0, 0), *((m, m) for m in margins)], constant_values=size)
    index = sliding_window_view(padded, (kh, kw), axis=(1, 2)).transpose(0, 3, 4, 1, 2)
    flat = xp.concat([xp.reshape(x, (n, size)), xp.zeros((n, 1), dtype=x.dtype)], axis=1)
    return xp.reshape(xp.take(flat, xp.asarray(index.ravel()), axis=1), (n, *index.shape))


def correlate(seen: Array, weight: Array) -> Array:
    """Return the sum of each window times the kernel: (batch, out, rows, columns)."""
    xp = array_namespace(seen, weight)
    y = xp.tensordot(weight, seen, axes=((1, 2, 3), (1, 2, 3)))
    return xp.permute_dims(y, (1, 0, 2, 3))


def cross_entropy_gradient(logits: Array, targets: Array) -> Array:
    """Return the gradient of the mean softmax cross-entropy: (softmax(logits) - targets) / batch."""
    xp = array_namespace(logits, targets)
    exps = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))  # exponents of at most 0 do not overflow
    return (exps / xp.sum(exps, axis=1, keepdims=True) - targets) / logits.shape[0]


def predict(layers: Sequence[Layer], x: Array) -> tuple[Array, list[Pullback]]:
    """Return the output of the last layer, and the pullbacks of all layers."""
    pullbacks = []
    for layer in layers:
        x, pullback = layer(x)
        pullbacks.append(pullback)
    return x, pullbacks


def descend(layers: Sequence[Layer], x: Array, targets: Array, rate: float) -> None:
    """Make one step of gradient descent on a batch: p <- p - rate dp."""
    logits, pullbacks = predict(layers, x)
    # Gradients are linear in dy: with dy scaled by the rate, each gradient is the step itself.
    dy = rate * cross_entropy_gradient(logits, targets)
    for layer, pullback in zip(reversed(layers), reversed(pullbacks), strict=True):
        dy, steps = pullback(dy)
        layer.params = tuple(p - step for p, step in zip(layer.params, steps, strict=True))


def network(xp: Namespace) -> list[Layer]:
    """Build the untrained network, with the same weights in every namespace."""
    # A NumPy generator draws for any array library: all libraries get the same values.
    rng = np.random.default_rng(0)
    return [
        Conv2d(xp, (8, 1, 3, 3), rng),
        Relu(),
        Conv2d(xp, (16, 8, 3, 3), rng),
        Relu(),
        Flatten(),
        Dense(xp, (10, 16 * 4 * 4), rng, init=arrayinit.xavier_uniform_),
    ]


class Result(NamedTuple):
    """Epochs and seconds of a run, and the fraction of correct test images."""

    epochs: int
    seconds: float
    accuracy: float


def train(backend: str, epochs: int = 12, batch: int = 64, rate: float = 0.35) -> Result:
    """Train the network on one backend, with a falling rate, and test it on other images."""
    xp = import_module(NAMESPACES[backend])
    pixels, labels = load_digits(return_X_y=True)
    images = pixels.reshape(-1, 1, 8, 8).astype(np.float32) / 16
    targets = np.eye(10, dtype=np.float32)[labels]
    # All batches have one size, in training and testing: JAX compiles each operation for each shape.
    split = train_test_split(images, targets, test_size=5 * batch, random_state=0)
    x, x_test, y, y_test = map(xp.asarray, split)

    start = time.perf_counter()
    layers = network(xp)
    rng = np.random.default_rng(1)
    for epoch in range(epochs):
        order = rng.permutation(x.shape[0])
        for i in range(0, x.shape[0] - batch + 1, batch):
            index = xp.asarray(order[i : i + batch])
            descend(layers, xp.take(x, index, axis=0), xp.take(y, index, axis=0), rate * (1 - epoch / epochs))
    hits = 0
    for i in range(0, x_test.shape[0], batch):
        logits, _ = predict(layers, x_test[i : i + batch, ...])
        digits = xp.argmax(y_test[i : i + batch, :], axis=1)
        hits += int(xp.count_nonzero(xp.argmax(logits, axis=1) == digits))
    return Result(epochs, time.perf_counter() - start, hits / x_test.shape[0])


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line for each backend; return 0 if each reaches the required accuracy, else 1."""
    installed = [name for name in NAMESPACES if find_spec(name)]
    parser = argparse.ArgumentParser(description="Train one network on several array libraries.")
    parser.add_argument(
        "--backend", choices=[*NAMESPACES, "all"], default="all", help="default: all that are installed"
    )
    backend = parser.parse_args(argv).backend
    if backend not in [*installed, "all"]:
        parser.error(f"{backend} is not installed; choose from: {', '.join(installed)}")

    print(f"{'backend':<8}{'epochs':>7}{'seconds':>9}{'test accuracy':>15}")
    enough = True
    for name in installed if backend == "all" else [backend]:
        result = train(name)
        print(f"{name:<8}{result.epochs:>7}{result.seconds:>9.2f}{result.accuracy:>15.1%}", flush=True)
        enough &= result.accuracy >= REQUIRED_ACCURACY
    return 0 if enough else 1


if __name__ == "__main__":
    raise SystemExit(main())
