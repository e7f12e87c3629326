"""A fill whose values are those of another array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arrayinit.kernels.fill import UPLOAD, Fill, Host
from arrayinit.kernels.rounding import (
    BEYOND_NUMPY,
    BYTES,
    rounded_on_host,
    rounds_twice,
)
from arrayinit.stream.box import Index, boxes

_ROUNDED = 1 << 14
"""Elements that are rounded on the host at once."""

_TILE = 256
"""Elements along an axis of a transposed array that are copied at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Table(Fill):
    """The values of an array of NumPy, or of the library whose array is filled.

    Examples
    --------
    >>> import numpy as np
    >>> from arrayinit.backends import Table
    >>> Table(np.arange(3.0)).whole((3,), "float32")
    array([0., 1., 2.], dtype=float32)
    """

    values: Any
    read: Callable[[Any], Iterator[Any]] | None = None
    """Yields forms of the values, a NumPy array last; needed for the values of another library."""

    def on_host(self) -> Host:
        """Return the values as a NumPy array."""
        if isinstance(self.values, np.ndarray):
            return self.values
        if self.read is None:
            raise TypeError(f"values of type {type(self.values).__qualname__} need a way to read them")
        *_, host = self.read(self.values)
        values: Host = host
        return values

    def moments(self) -> tuple[complex, float]:
        """Return the moments of the values."""
        values = self.on_host()
        return complex(values.mean()), float(values.std())

    def fill_host(self, array: Host, corner: Sequence[int] | None = None) -> None:
        """Fill an array, or the box of it that begins at ``corner``; each value is rounded once, to nearest even."""
        box = self.on_host() if corner is None else self.on_host()[_box(corner, array.shape)]
        # Rounding may overflow to infinity; this is no reason to warn.
        with np.errstate(all="ignore"):
            # NumPy rounds to float16 once by itself, and ml_dtypes rounds float32 once.
            dtype = array.dtype.name
            if dtype not in BEYOND_NUMPY or not rounds_twice(box.dtype.name, dtype):
                whole = box.size <= _TILE**2 or np.may_share_memory(array, box)
                for index in (...,) if whole else _tiles(box):
                    np.copyto(array[index], box[index], casting="unsafe")
                return
            unshared = Table(box.copy() if np.may_share_memory(array, box) else box)
            for index, chunk in unshared.chunks(array.shape, dtype):
                np.copyto(array[index] if index else array, chunk, casting="unsafe")

    def chunks(
        self, shape: Sequence[int], dtype: str, corner: Sequence[int] | None = None
    ) -> Iterator[tuple[Index, Host]]:
        """Yield copies of bounded size, each with its position; no chunk shares memory with the table."""
        source = self.on_host() if corner is None else self.on_host()[_box(corner, shape)]
        # The operations that round twice at once stay in a cache.
        size = _ROUNDED if dtype in BYTES or rounds_twice(source.dtype.name, dtype) else UPLOAD // 8
        for index in boxes(shape, size):
            yield index, rounded_on_host(np.asarray(source[index]), dtype)


def _tiles(source: Host) -> Iterator[Any]:
    """Yield the parts of a transposed array that caches hold; any other array is one part."""
    steps = [abs(step) if size > 1 else 1 << 62 for step, size in zip(source.strides, source.shape, strict=True)]
    near, last = steps.index(min(steps)), source.ndim - 1
    if near == last:
        yield ...
        return
    for start in range(0, source.shape[near], _TILE):
        for first in range(0, source.shape[last], _TILE):
            index = [slice(None)] * source.ndim
            index[near], index[last] = slice(start, start + _TILE), slice(first, first + _TILE)
            yield tuple(index)


def _box(corner: Sequence[int], shape: Sequence[int]) -> tuple[Any, ...]:
    return (*(slice(start, start + size) for start, size in zip(corner, shape, strict=True)), ...)
