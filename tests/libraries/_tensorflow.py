"""TensorFlow under test."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import numpy as np

from libraries.forms import ANY, PLAIN
from libraries.library import COMPLEX, REAL, Form, Library, as_plain


def _tensorflow() -> Library:
    # TensorFlow's C++ would tell at each start how it was built.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    # The tests place tensors on a device that is not the default, unless another test has begun with one device.
    with suppress(RuntimeError):
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    device = tf.config.list_logical_devices("CPU")[-1].name

    def empty(shape: tuple[int, ...], dtype: str) -> Any:
        with tf.device(device):
            # TensorFlow has no zeros of some float8 dtypes.
            return tf.constant(np.zeros(shape, tf.as_dtype(dtype).as_numpy_dtype))

    return Library(
        "tensorflow",
        "tensorflow",
        (*REAL, *COMPLEX),
        empty,
        _to_numpy,
        tf.random.Generator.from_seed,
        lambda x: x.device,
        in_place=False,
        has_float8=True,
    )


def _to_numpy(x: Any) -> np.ndarray:
    # NumPy does not take a bfloat16 tensor without axes.
    return as_plain(x if x.shape.rank else x.numpy())


def _variable(make: Any, shape: tuple[int, ...]) -> Any:
    import tensorflow as tf

    x = make(shape)
    # TensorFlow cannot assign variables of these dtypes.
    return x if x.dtype.name.endswith("fnuz") else tf.Variable(x)


def _spec(make: Any, shape: tuple[int, ...]) -> Any:
    import tensorflow as tf

    return tf.TensorSpec(shape, make((0,)).dtype)


LIBRARIES = {"tensorflow": _tensorflow}
FORMS: dict[str, dict[str, Form]] = {"tensorflow": PLAIN | {"variable": _variable, "spec": _spec}}
WRONG_FORMS: dict[str, dict[str, Form]] = {"tensorflow": ANY}
