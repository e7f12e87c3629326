"""Compare the values of a plan with what an initializer of Flax or Haiku gives from the same key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from peers import peer

# Few shapes in all, since JAX compiles each draw for its shape.
ROW, LINE, IMAGE, VIDEO = (1, 4), (1, 9, 2), (1, 9, 9, 2), (1, 7, 7, 7, 2)


class Made(NamedTuple):
    """What a framework's initializer is called with."""

    initializer: Callable[..., Any]
    arguments: tuple[Any, ...]


def filled(step: Any, x: Any, key: Any) -> Any:
    """Return the values of a step from the key of a framework, for an array like ``x``."""
    if not step.action.draws:
        # NumPy fills without a compiler.
        return step.action.fill(np.empty(step.shape, x.dtype), 5, layout=step.layout)
    return step.action.fill(
        peer("jax").ShapeDtypeStruct(step.shape, x.dtype), key, layout=step.layout, groups=step.groups
    )
