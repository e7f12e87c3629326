"""What the adapters check alike of x and rng."""

from __future__ import annotations

import sys
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


def is_masked(cls: type) -> bool:
    """Whether this is `numpy.ma.MaskedArray`, or a subclass of it."""
    # Not loaded means that nobody has made one.
    loaded = sys.modules.get("numpy.ma")
    return loaded is not None and issubclass(cls, loaded.MaskedArray)


def is_plain(cls: type) -> bool:
    """Whether the elements of arrays of this class are the numbers in memory, and nothing more, as masks or units."""
    if not issubclass(cls, np.ndarray) or is_masked(cls):
        return not is_masked(cls)
    return (cls.__array_function__, cls.__array_ufunc__) == _PLAIN


_PLAIN = (np.ndarray.__array_function__, np.ndarray.__array_ufunc__)


def check_plain(cls: type, name: str) -> None:
    """Raise TypeError if the elements of arrays of this class are more than numbers, which would be lost."""
    if is_masked(cls):
        raise TypeError(
            f"{name} is a masked array ({qualified(cls)}), and its mask would be lost: pass {name}.data, all of its "
            f"numbers, or {name}.filled(value)"
        )
    if not is_plain(cls):
        raise TypeError(
            f"{name} of type {qualified(cls)} has rules of its own, as for units, which would be lost: pass "
            f"{name}.view(np.ndarray), its numbers alone"
        )


def qualified(cls: type) -> str:
    """Return the name of a class, with its module but for what is built in."""
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def describe(rng: Any) -> str:
    """Say what was given as rng, for an error."""
    name = qualified(type(rng))
    return f"{rng!r} ({name})" if isinstance(rng, (bool, int, float, str)) else name
