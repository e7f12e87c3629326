"""Compare the values of a plan with what an initializer of Flax or Haiku gives from the same key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from parity_comparisons import orthogonal, same_bits
from peers import peer

# Few shapes in all, since JAX compiles each draw for its shape.
ROW, LINE, IMAGE, VIDEO = (1, 4), (1, 9, 2), (1, 9, 9, 2), (1, 7, 7, 7, 2)


class Made(NamedTuple):
    """What a framework's initializer is called with."""

    initializer: Callable[..., Any]
    arguments: tuple[Any, ...]


def compare(step: Any, theirs: Any, ours: Any) -> None:
    """Compare the bits, of orthogonal matrices the laws: Flax takes the normal numbers in another order."""
    comparison = orthogonal(-1) if is_orthogonal(step) else same_bits
    comparison(np.asarray(theirs), np.asarray(ours))


def filled(step: Any, x: Any, key: Any) -> Any:
    """Return the values of a step from the key of a framework, for an array like ``x``."""
    if is_orthogonal(step) or not step.action.draws:
        # NumPy fills without a compiler.
        return step.action.fill(np.empty(step.shape, x.dtype), 5, layout=step.layout)
    return step.action.fill(
        peer("jax").ShapeDtypeStruct(step.shape, x.dtype), key, layout=step.layout, groups=step.groups
    )


def is_orthogonal(step: Any) -> bool:
    return "orthogonal" in repr(step.action)
