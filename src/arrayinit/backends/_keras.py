"""Variables of Keras, on any of its backends: values are assigned, which a StatelessScope keeps apart."""

from __future__ import annotations

from typing import Any

import keras

from arrayinit.backends.container import Container, array_in
from arrayinit.backends.protocol import Array, Replaced
from arrayinit.backends.registry import backend_of
from arrayinit.kernels.fill import Fill


class Keras(Container):
    """Adapter for `keras.Variable`."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, keras.Variable)

    def held(self, x: Any) -> Array:
        if x._value is None:
            raise ValueError(
                f"x is a Keras variable without a value, {x.path!r} of shape {tuple(x.shape)}: Keras gives it one when "
                "the StatelessScope in which it was made ends"
            )
        return x.value

    def like(self, x: Any) -> Array:
        array = self.held(x)
        return keras.ops.empty(x.shape, x._dtype) if _is_cast(x, array) else array

    def check_writable(self, x: Any) -> None:
        """Keras assigns a value to any variable. On torch, it assigns to the copy that it shows."""
        if keras.backend.backend() == "torch" and _is_cast(x, x.value):
            raise RuntimeError(
                f"x is a Keras variable of dtype {x._dtype} within a call of its layer, which computes in {x.dtype}: "
                "Keras would assign to a copy there, so fill x before the call"
            )

    def write(self, x: Any, fill: Fill) -> Any:
        # On TensorFlow the value is a variable, too.
        array = array_in(self.like(x))
        # The array that x shows must stay as it is within a StatelessScope.
        if not isinstance(backend_of(array), Replaced):
            array = keras.ops.copy(array) if fill.keeps else keras.ops.empty(x.shape, x._dtype)
        self.hold(x, backend_of(array).update(array, fill))
        return x

    def hold(self, x: Any, values: Array) -> None:
        x.assign(values)


BACKEND = Keras()


def _is_cast(x: Any, array: Array) -> bool:
    """Whether Keras shows the value in another dtype, as within the call of a layer in mixed precision.

    Only floats are shown so. On torch, Keras keeps some integers in a wider dtype.
    """
    return "float" in x._dtype and bool(keras.backend.standardize_dtype(array.dtype) != x._dtype)
