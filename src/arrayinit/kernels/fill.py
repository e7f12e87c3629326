"""Fills: descriptions of the values of an array, which can be written box by box in host memory."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arrayinit.core.dtypes import FORMATS
from arrayinit.core.layouts import Axes
from arrayinit.kernels.rounding import (
    BEYOND_NUMPY,
    BYTES,
    host_dtype,
    memory_dtype,
    rounded_on_host,
    rounds_twice,
    to_bits,
)
from arrayinit.stream.box import Index, boxes

Host = np.ndarray[Any, Any]

UPLOAD = 8 << 20
"""Bytes generated on the host at once for an array on another device."""


_ROUNDED = 1 << 14
"""Elements that are rounded on the host at once."""

_TILE = 256
"""Elements along an axis of a transposed array that are copied at once."""


class Fill(ABC):
    """A description of the value of every element. A fill can write any box of itself in host memory.

    Examples
    --------
    >>> from arrayinit.backends import Constant
    >>> fill = Constant(2.0)
    >>> for index, chunk in fill.chunks((2, 3), "float32"):
    ...     print(index, chunk.shape, chunk.dtype)
    (slice(0, 2, None), slice(0, 3, None)) (2, 3) float32
    >>> fill.whole((3,), "float64")
    array([2., 2., 2.])
    """

    @abstractmethod
    def fill_host(self, array: Host, corner: Sequence[int] | None = None) -> None:
        """Fill an array, or the box of it that begins at ``corner``."""

    @property
    def is_by_box(self) -> bool:
        """Whether each box can be computed by itself, and more than once."""
        return True

    @abstractmethod
    def moments(self) -> tuple[complex, float]:
        """Return the expected mean and standard deviation of all elements."""

    def chunks(
        self, shape: Sequence[int], dtype: str, corner: Sequence[int] | None = None
    ) -> Iterator[tuple[Index, Host]]:
        """Yield a box of this shape in chunks of bounded size, each with its position in the box.

        A chunk has the dtype of the array, or float32 for bfloat16 and float8, which NumPy lacks. The library converts
        float32 itself; the result is rounded once. Numbers for float8 are already rounded.
        """
        first = corner or (0,) * len(shape)
        for index in boxes(shape, UPLOAD // np.dtype(host_dtype(dtype)).itemsize):
            chunk = np.empty([i.stop - i.start for i in index], host_dtype(dtype))
            self.fill_host(chunk, [k + i.start for k, i in zip(first, index, strict=True)])
            yield index, chunk

    def whole(self, shape: Sequence[int], dtype: str) -> Host:
        """Return an array of this shape at once, in the dtype of a chunk."""
        values = np.empty(tuple(shape), host_dtype(dtype))
        for index, chunk in self.chunks(shape, dtype):
            values[index] = chunk
        return values

    def memory(self, shape: Sequence[int], dtype: str) -> Host:
        """Return the memory of a whole array of ``dtype``: bits in unsigned integers for a format that NumPy lacks."""
        memory = np.empty(tuple(shape), memory_dtype(dtype))
        self.fill_memory(memory, dtype)
        return memory

    def fill_memory(self, memory: Host, dtype: str) -> None:
        """Fill the memory of a whole array of ``dtype``, as `memory` returns it."""
        if dtype not in BEYOND_NUMPY:
            self.fill_host(memory)
            return
        for index, chunk in self.chunks(memory.shape, dtype):
            # The bits of a NaN may be rounded to those of another number.
            chunk[np.isnan(chunk)] = np.nan
            np.copyto(memory[index] if index else memory, to_bits(np, chunk, FORMATS[dtype]), casting="unsafe")


@dataclass(frozen=True, slots=True)
class Constant(Fill):
    """Every element has one value.

    Examples
    --------
    >>> from arrayinit.backends import Constant
    >>> Constant(2.0).moments()
    (2.0, 0.0)
    """

    value: complex

    def fill_host(self, array: Host, corner: Sequence[int] | None = None) -> None:
        """Fill an array."""
        # ml_dtypes swaps the bytes of an array, but not of a scalar.
        array[...] = np.asarray(array.dtype.type(self.value))

    def moments(self) -> tuple[complex, float]:
        """Return the value, and 0."""
        return self.value, 0.0


@dataclass(frozen=True, slots=True)
class Identity(Fill):
    """Output feature i of each group has ``value`` at input feature i, at the centre of the kernel; all else is 0.

    Examples
    --------
    An adapter gets one from `eye_` and `dirac_`:

    >>> import arrayinit, numpy as np
    >>> arrayinit.dirac_(np.empty((2, 2, 3)))[0]
    array([[0., 1., 0.],
           [0., 0., 0.]])
    """

    shape: tuple[int, ...]
    axes: Axes
    group_size: int
    """The number of output features in a group."""
    value: complex

    @property
    def count(self) -> int:
        """The number of elements that are not 0."""
        outputs, inputs, _ = self.axes.sizes(self.shape)
        return outputs // self.group_size * min(self.group_size, inputs) if 0 not in self.shape else 0

    def moments(self) -> tuple[complex, float]:
        """Return the moments of one weight of a batch."""
        share = self.count / math.prod(self.axes.sizes(self.shape))
        return share * self.value, abs(self.value) * math.sqrt(share * (1.0 - share))

    def index(self, numbers: Any) -> tuple[Any, ...]:
        """Return the index of the elements ``numbers``, integers below `count` of any library; batch axes: slices."""
        per_group = min(self.group_size, self.axes.sizes(self.shape)[1])
        group, channel = numbers // per_group, numbers % per_group
        index: list[Any] = [n // 2 if i in self.axes.kernel else slice(None) for i, n in enumerate(self.shape)]
        for features, role in ((group * self.group_size + channel, self.axes.outputs), (channel, self.axes.inputs)):
            stride = 1
            for i in reversed(role):
                index[i] = features // stride % self.shape[i]
                stride *= self.shape[i]
        return tuple(index)

    def fill_host(self, array: Host, corner: Sequence[int] | None = None) -> None:
        """Fill an array, or the box of it that begins at ``corner``."""
        array[...] = np.asarray(array.dtype.type(0))
        if not array.size:
            return
        index = self.index(np.arange(self.count))
        if corner is None:
            array[index] = np.asarray(array.dtype.type(self.value))
            return
        inside: Any = np.ones(self.count, bool)
        for i, start, size in zip(index, corner, array.shape, strict=True):
            if not isinstance(i, slice):
                inside = inside & (start <= i) & (i < start + size)
        local = (
            i if isinstance(i, slice) else np.broadcast_to(i - start, inside.shape)[inside]
            for i, start in zip(index, corner, strict=True)
        )
        array[tuple(local)] = np.asarray(array.dtype.type(self.value))


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
