"""TensorFlow: immutable tensors. Each method returns a new one: eagerly, in a tf.function, or from a spec."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import tensorflow as tf

from arrayinit.backends import Array, Constant, Device, Fill, Generator, Replaced, Seed, Table
from arrayinit.backends._tensorflow.devices import devices
from arrayinit.backends._tensorflow.draws import Draws
from arrayinit.backends._tensorflow.memory import constant, copied, from_host, on_host
from arrayinit.backends._tensorflow.pieces import joined
from arrayinit.backends.arguments import describe
from arrayinit.backends.computed import Computed
from arrayinit.kernels.pieces import Pieces
from arrayinit.kernels.rounding import BYTES
from arrayinit.stream.seed import KINDS


class TensorFlow(Draws, Replaced):
    """Adapter for `tf.Tensor`, eager and symbolic, and for `tf.TensorSpec`."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, (tf.Tensor, tf.TensorSpec))

    def devices(self) -> Iterator[Device]:
        return devices()

    def dtype(self, x: Array) -> str:
        # The dtype is read before the sizes, so the sizes are checked here.
        if not x.shape.is_fully_defined():
            raise ValueError(
                f"x of shape {x.shape} has axes of unknown size; give them sizes, as by tf.ensure_shape(x, (2, 3)), or "
                "pass tf.TensorSpec((2, 3), x.dtype) for x"
            )
        return str(x.dtype.name)

    def generator(self, x: Array, rng: Any) -> Generator:
        """``rng=None`` means the global generator: `tf.random` has its draws as functions."""
        if isinstance(rng, np.random.Generator) and not tf.executing_eagerly():
            raise ValueError(f"rng={rng!r} would draw only once in a tf.function; pass a seed or a tf.random.Generator")
        if rng is None or isinstance(rng, (tf.random.Generator, np.random.Generator)):
            return tf.random if rng is None else rng
        raise TypeError(
            f"rng for a TensorFlow tensor must be None (TensorFlow's global seed), {KINDS}, a tf.random.Generator or a "
            f"numpy.random.Generator, got {describe(rng)}"
        )

    def read(self, x: Array) -> Iterator[Array]:
        if isinstance(x, tf.TensorSpec) or tf.is_symbolic_tensor(x):
            raise TypeError(f"a {type(x).__name__} has no values, as under the trace of a tf.function")
        # TensorFlow's DLPack lacks these dtypes.
        yield from () if x.dtype.name in BYTES else (x,)
        yield on_host(x)

    def write(self, x: Array, fill: Fill) -> Array:
        with nullcontext() if isinstance(x, tf.TensorSpec) else tf.device(x.device):
            return tf.identity(self._filled(x, fill))

    def kept(self, x: Array, fill: Pieces) -> Array:
        # tf.where selects no floats of 8 bits.
        return self.write(x, fill)

    def _filled(self, x: Array, fill: Fill) -> Array:
        if isinstance(fill, Constant) and x.dtype.name not in BYTES:
            return constant(x, fill.value)
        if isinstance(fill, Table) and isinstance(fill.values, tf.Tensor):
            return copied(x, fill.values)
        if isinstance(fill, Computed) and not isinstance(fill.source, (Seed, np.random.Generator)):
            return fill.compute(self, x)
        if isinstance(fill, Pieces) and (fill.keeps or not fill.is_by_box):
            return joined(x, fill, self._filled)
        return from_host(x, fill)


BACKEND = TensorFlow()
