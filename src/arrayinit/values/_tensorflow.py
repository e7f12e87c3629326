"""TensorFlow: the description of the tensor that a value makes."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def spec(shape: Any, dtype: Any) -> Any:
    """Return the description of a tensor, as which a value fills it."""
    return tf.TensorSpec(shape, dtype)
