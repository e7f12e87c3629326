"""Variables of TensorFlow: each is assigned, eagerly or in a tf.function, and returned."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from arrayinit.backends._tensorflow.backend import BACKEND
from arrayinit.backends.container import Container
from arrayinit.backends.protocol import Array


class Variables(Container):
    """Adapter for `tf.Variable`, also for the variables of `tf.distribute`."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, tf.Variable)

    def dtype(self, x: Any) -> str:
        # The variable itself tells whether its shape may change.
        return BACKEND.dtype(x)

    def held(self, x: Any) -> Array:
        if isinstance(x, tf.distribute.DistributedValues):
            return x.value()
        # Unlike x.value(), this lets no gradient tape watch the variable.
        return tf.raw_ops.ReadVariableOp(resource=x.handle, dtype=x.dtype)

    def hold(self, x: Any, values: Array) -> None:
        # To read the assigned value would let a gradient tape watch the variable.
        x.assign(values, read_value=False)


VARIABLES = Variables()
