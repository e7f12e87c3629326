"""Draws by the generators of TensorFlow, and operations on the tensors that are drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from arrayinit.backends._tensorflow.memory import rounded
from arrayinit.backends._tensorflow.namespace import NAMESPACE
from arrayinit.backends.native import NativeBackend
from arrayinit.backends.protocol import Array, Generator
from arrayinit.core.distributions import Normal, Uniform
from arrayinit.kernels.rounding import BYTES


class Draws(NativeBackend):
    """The draws of a `tf.random.Generator`, or of the functions of `tf.random`, which have the same signatures."""

    def namespace(self, x: Array) -> Any:
        return NAMESPACE

    def empty(self, x: Array, shape: tuple[int, ...], dtype: str) -> Array:
        return tf.TensorSpec(shape, tf.as_dtype(dtype))

    def assign(self, x: Array, values: Array) -> Array:
        return rounded(values, x.dtype)

    def set_at(self, x: Array, index: tuple[Any, ...], value: Any) -> Array:
        """Set elements; arrays in the index come before slices, and have one shape together."""
        if x.dtype.name in BYTES:
            # TensorFlow writes elements of 8 bits only under XLA.
            wide = self.set_at(rounded(x, tf.float32), index, rounded(tf.convert_to_tensor(value), tf.float32))
            return rounded(wide, x.dtype)
        numbers: Any = 0
        stride, slices = 1, 0
        for part, size in reversed(list(zip(index, x.shape, strict=True))):
            if isinstance(part, slice):
                along = np.arange(*part.indices(size)).reshape(-1, *(1,) * slices)
                slices += 1
            else:
                along = tf.cast(part, tf.int64)[(..., *(None,) * slices)]
            numbers, stride = numbers + along * stride, stride * size
        values = tf.broadcast_to(tf.cast(value, x.dtype), tf.shape(numbers))
        flat = tf.tensor_scatter_nd_update(tf.reshape(x, [-1]), tf.expand_dims(numbers, -1), values)
        return tf.reshape(flat, x.shape)

    def subsets(self, x: Array, count: int, generator: Generator) -> tuple[Array, Array]:
        keys = generator.uniform(x.shape, dtype=tf.float32)
        return tf.argsort(keys, axis=0)[:count], tf.range(x.shape[1])

    def qr(self, matrix: Array, generator: Generator) -> Array:
        if matrix.shape[-2] < matrix.shape[-1]:
            return tf.linalg.matrix_transpose(self.qr(tf.linalg.matrix_transpose(matrix), generator))
        q, r = tf.linalg.qr(matrix)
        diagonal = tf.linalg.diag_part(r)
        # The sign of a complex number is its phase.
        phase = tf.where(diagonal == 0, tf.ones_like(diagonal), tf.sign(diagonal))
        return q * tf.expand_dims(phase, -2)

    def uniform(self, x: Array, d: Uniform, generator: Generator) -> Array:
        return generator.uniform(x.shape, dtype=x.dtype) * (d.high - d.low) + d.low

    def normal(self, x: Array, d: Normal, generator: Generator) -> Array:
        return generator.normal(x.shape, dtype=x.dtype) * d.std + d.mean

    def quantile(self, _: Any, q: Array, /) -> Array:
        return tf.math.erfinv(2.0 * q) * math.sqrt(2.0)

    def join(self, real: Array, imaginary: Array) -> Array:
        return tf.complex(real, imaginary)

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        return tf.clip_by_value(x, *limits)
