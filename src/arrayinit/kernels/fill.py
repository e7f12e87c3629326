"""Fills: descriptions of the values of an array, which can be written box by box in host memory."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arrayinit.core.dtypes import FORMATS
from arrayinit.core.layouts import Axes
from arrayinit.kernels.rounding import (
    BEYOND_NUMPY,
    host_dtype,
    memory_dtype,
    to_bits,
)
from arrayinit.stream.box import Index, boxes

Host = np.ndarray[Any, Any]

UPLOAD = 8 << 20
"""Bytes generated on the host at once for an array on another device."""


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

    @property
    def keeps(self) -> bool:
        """Whether some elements are left as they are."""
        return False

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
