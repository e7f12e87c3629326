"""Values of the host as tensors of TensorFlow, and tensors in another dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from arrayinit.backends._tensorflow.namespace import NAMESPACE
from arrayinit.backends.aligned import aligned
from arrayinit.backends.protocol import Array
from arrayinit.kernels.fill import Fill
from arrayinit.kernels.rounding import BYTES, rounds_twice, to_odd
from arrayinit.kernels.table import Table

Host = np.ndarray[Any, Any]


def from_host(x: Array, fill: Fill) -> Array:
    """Fill memory of the host, and let TensorFlow take it over.

    A tf.function refers to such a tensor. A constant would be copied into the graph, which holds 2 GiB at most.
    """
    values = aligned(tuple(x.shape), np.dtype(x.dtype.as_numpy_dtype))
    fill.fill_host(values)
    return tensor(values)


def tensor(values: Host) -> Array:
    """Return a tensor in the memory of an array from `aligned`, or a copy where TensorFlow knows no other way."""
    name = values.dtype.name
    # A graph that is no tf.function, as in version 1, refers to no tensor outside of it.
    if name in BYTES or not (tf.executing_eagerly() or tf.inside_function()):
        return tf.constant(values)
    # NumPy has no bfloat16, and DLPack has no dtype of ml_dtypes.
    is_narrow = name == "bfloat16"
    taken = tf.experimental.dlpack.from_dlpack((values.view(np.uint16) if is_narrow else values).__dlpack__())
    return tf.bitcast(taken, tf.bfloat16) if is_narrow else taken


def on_host(x: Array) -> Host:
    """Return the values of an eager tensor, without a copy where they can be read in place."""
    # NumPy does not take a tensor without axes, of a dtype of ml_dtypes.
    return np.asarray(x if x.shape.rank else x.numpy())


def constant(x: Array, value: complex) -> Array:
    """Return a tensor of one value, which fits the dtype of ``x``."""
    return tf.fill(x.shape, tf.constant(x.dtype.as_numpy_dtype(value), x.dtype))


def copied(x: Array, source: Array) -> Array:
    """Return the values of a source in the dtype of ``x``, which shares no memory with the source.

    The host copies. A symbolic tensor has no memory yet.
    """
    if tf.is_symbolic_tensor(source):
        return rounded(tf.stop_gradient(source), x.dtype)
    return from_host(x, Table(on_host(source)))


def rounded(values: Array, dtype: Any) -> Array:
    """Return numbers in ``dtype``, each rounded once; TensorFlow's own conversion may go through float32."""
    if values.dtype == dtype:
        return values
    # TensorFlow converts some of the dtypes of 8 bits only under XLA.
    if not tf.is_symbolic_tensor(values) and not BYTES.isdisjoint((values.dtype.name, dtype.name)):
        return from_host(tf.TensorSpec(values.shape, dtype), Table(on_host(values)))
    return tf.cast(to_odd(NAMESPACE, values) if rounds_twice(values.dtype.name, dtype.name) else values, dtype)
