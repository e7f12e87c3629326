"""The devices on which the command line tries TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import tensorflow as tf

from arrayinit.backends.device import Device
from arrayinit.backends.protocol import Array


def devices() -> Iterator[Device]:
    """Yield the devices of TensorFlow."""
    for device in tf.config.list_logical_devices():
        name = device.name.removeprefix("/device:").lower()
        yield Device("tensorflow", tf.__version__, name, partial(_empty, device.name), _finish, np.asarray)


def _empty(device: str, shape: tuple[int, ...]) -> Array:
    with tf.device(device):
        return tf.zeros(shape)


def _finish(_: Array) -> None:
    tf.test.experimental.sync_devices()
