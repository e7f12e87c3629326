"""MLX, TensorFlow, Paddle and tinygrad: ``python -m benchmarks.libraries [--quick] [NAME ...]`` prints a table.

Each row times a library's own initializer and the same law of arrayinit from a seed, in turn, in one process. tinygrad
needs a C compiler for its CPU: name one by CC.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import arrayinit as ai
from benchmarks.environment import environment
from benchmarks.timing import QUICK, Effort, Pair, Section, compare

SECTION = Section("Other libraries", "Matrices of 4096 x 4096 in float32; the next element waits for the last.")
HE = partial(ai.kaiming_normal_, nonlinearity="relu", rng=0)
# The truncated normal of Keras.
HE_TRUNCATED = partial(ai.variance_scaling_, scale=2.0, layout="IO", rng=0)


def mlx(side: int) -> Iterator[Pair]:
    import mlx.core as mx
    from mlx import nn

    x = mx.zeros((side, side))
    own, gain = nn.init.he_normal(), 2**0.5
    yield pair("MLX: nn.init.he_normal", lambda: mx.eval(own(x, gain=gain)), lambda: mx.eval(HE(x)))


def tensorflow(side: int) -> Iterator[Pair]:
    import keras
    import tensorflow as tf

    x, variable = tf.zeros((side, side)), tf.Variable(tf.zeros((side, side)))
    std, own = (2 / side) ** 0.5, keras.initializers.HeNormal()
    yield pair("TensorFlow: tf.random.normal", lambda: tf.random.normal((side, side), stddev=std), lambda: HE(x))
    yield pair("TensorFlow: HeNormal, truncated", lambda: own((side, side)), lambda: HE_TRUNCATED(x))
    yield pair("TensorFlow: HeNormal into a Variable", lambda: variable.assign(own((side, side))), lambda: HE(variable))


def paddle(side: int) -> Iterator[Pair]:
    import paddle as pd

    x, own = pd.zeros((side, side)), pd.nn.initializer.KaimingNormal()
    yield pair("Paddle: KaimingNormal", lambda: own(x), lambda: HE(x))


def tinygrad(side: int) -> Iterator[Pair]:
    from tinygrad import Tensor

    x = Tensor.zeros(side, side).contiguous().realize()
    own = partial(Tensor.kaiming_normal, side, side, a=0.0)
    yield pair("tinygrad: Tensor.kaiming_normal", lambda: own().realize(), lambda: HE(x).realize())


# Paddle crashes if it is imported after TensorFlow.
LIBRARIES: dict[str, Callable[[int], Iterator[Pair]]] = {
    "paddle": paddle,
    "mlx": mlx,
    "tensorflow": tensorflow,
    "tinygrad": tinygrad,
}


def pair(name: str, peer: Callable[[], object], ours: Callable[[], object]) -> Pair:
    return Pair(SECTION, name, peer, ours)


def main(arguments: list[str]) -> None:
    effort = QUICK if "--quick" in arguments else Effort(seconds=6.0)
    asked = [name for name in arguments if name != "--quick"] or [name for name in LIBRARIES if find_spec(name)]
    # The versions are those of the packages, whose names differ from machine to machine.
    told = environment("python -m benchmarks.libraries", {"arrayinit": ai.__version__})
    print("; ".join(f"{name} {value}" for name, value in told.items()))
    print(f"\n| {effort.side} x {effort.side}, float32 | own / arrayinit | quartiles | own, ms | arrayinit, ms |")
    print("|---|---|---|---|---|")
    for name in asked:
        for row in (row for made in LIBRARIES[name](effort.side) for row in compare(made, effort)):
            low, high = row.quartiles or (row.value, row.value)
            times = " | ".join(f"{time:.1f}" for time in row.details.values())
            print(f"| {row.name} | {row.value:.2f} | {low:.2f} to {high:.2f} | {times} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
