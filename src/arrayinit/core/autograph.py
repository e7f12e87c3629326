"""AutoGraph, the compiler of TensorFlow that rewrites the source of what a tf.function calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T", bound=Callable[..., Any])


def as_written(entity: T) -> T:
    """Let AutoGraph call a function, or the instances of a class, as written.

    A number in arrayinit decides what is traced, and is never itself traced. To rewrite all that a function calls would
    take seconds, and AutoGraph warns of syntax that it does not know.
    """
    # This is what tf.autograph.experimental.do_not_convert sets. Without it, AutoGraph rewrites the source.
    given: Any = entity
    given.autograph_info__ = None
    return entity
