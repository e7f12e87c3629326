"""Paddle: a value as the initializer of a parameter, as in `paddle.ParamAttr`."""

from __future__ import annotations

from typing import Any

import paddle

from arrayinit.values.protocols import fill_kernel
from arrayinit.values.value import Initializer


class PaddleInitializer(paddle.nn.initializer.Initializer):  # type: ignore[misc]  # pyright: ignore[reportUntypedBaseClass]
    """A value in the class whose ``__call__`` waits for memory under `paddle.LazyGuard`."""

    def __init__(self, value: Initializer) -> None:
        super().__init__()
        self.value = value

    def forward(self, param: Any, block: Any = None) -> Any:
        """Fill a new parameter. Its seed comes from Paddle's global generator."""
        if not paddle.in_dynamic_mode():
            raise TypeError(f"{self.value!r} fills no parameter of a static graph: make the layer in dynamic mode")
        # A new parameter has no memory until an initializer of Paddle gives it some.
        paddle.nn.initializer.Constant()(param, block)
        # A matrix is that of a linear layer.
        return fill_kernel(self.value, param, layout="IO" if len(param.shape) == 2 else "OI...")
