"""What the adapters check alike of x and rng."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from arrayinit.stream.seed import KINDS


def numpy_generator(rng: Any, arrays: str) -> np.random.Generator:
    """Return the generator of a backend whose library has none: NumPy's."""
    if rng is None:
        return np.random.default_rng()
    if isinstance(rng, np.random.Generator):
        return rng
    raise TypeError(f"rng for {arrays} must be None, {KINDS}, or a numpy.random.Generator, got {describe(rng)}")


def overlaps(strides: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether elements share memory, as those of an expanded array do."""
    return any(step == 0 and size > 1 for step, size in zip(strides, shape, strict=True))


def describe(rng: Any) -> str:
    """Say what was given as rng, for an error."""
    cls = type(rng)
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    return f"{rng!r} ({name})" if isinstance(rng, (bool, int, float, str)) else name
