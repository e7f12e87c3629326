"""The functions of TensorFlow under the names of the array API: those by which adapters draw and round."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import tensorflow as tf

NAMESPACE = SimpleNamespace(
    float32=tf.float32,
    float64=tf.float64,
    int32=tf.int32,
    int64=tf.int64,
    uint64=tf.uint64,
    asarray=tf.convert_to_tensor,
    astype=tf.cast,
    clip=tf.clip_by_value,
    cos=tf.cos,
    finfo=lambda dtype: np.finfo(dtype.as_numpy_dtype),
    log1p=tf.math.log1p,
    log2=lambda x: tf.math.log(x) / math.log(2.0),
    permute_dims=tf.transpose,
    reshape=tf.reshape,
    sin=tf.sin,
    sqrt=tf.sqrt,
    view=tf.bitcast,
    where=tf.where,
)
