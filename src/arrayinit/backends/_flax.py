"""Variables of Flax nnx, such as nnx.Param: the array in them is replaced, or the reference in them is written."""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx
from flax.nnx.variablelib import HijaxVariable

from arrayinit.backends.container import Container
from arrayinit.backends.protocol import Array


class Nnx(Container):
    """Adapter for `flax.nnx.Variable`. It may be abstract: then it gets an array in place of a struct."""

    def accepts(self, cls: type) -> bool:
        # nnx lets isinstance look at the values of objects, but not issubclass at classes.
        return issubclass(cls, (nnx.Variable, HijaxVariable))

    def held(self, x: Any) -> Array:
        raw = x.get_raw_value()
        # A read of a reference copies all of it. The reference itself can be written.
        return raw if isinstance(raw, jax.Ref) else x.get_value()

    def check_writable(self, x: Any) -> None:
        """Raise the error of nnx for a variable of another trace, before the array in it is written."""
        super().check_writable(x)
        raw = x.get_raw_value()
        if not isinstance(raw, jax.Ref):
            x.set_raw_value(raw)

    def hold(self, x: Any, values: Array) -> None:
        x.set_value(values)


BACKEND = Nnx()
