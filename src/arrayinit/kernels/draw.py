"""A draw of the portable stream. NumPy generates any box of it in host memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FloatFormat
from arrayinit.core.layouts import inverse
from arrayinit.core.moments import moments
from arrayinit.kernels import compiled
from arrayinit.kernels import fill as fills
from arrayinit.kernels.fill import Fill, Host
from arrayinit.kernels.numpy_ops import NUMPY
from arrayinit.kernels.rounding import BEYOND_NUMPY, from_bits, host_dtype, memory_dtype, to_bits
from arrayinit.kernels.subsets import clear_columns
from arrayinit.kernels.threads import spread
from arrayinit.kernels.words import box_words
from arrayinit.stream.box import Index, boxes, merged
from arrayinit.stream.seed import Key, Seed
from arrayinit.stream.transform import streams, transform

CHUNK = 1 << 17
"""Elements that one thread takes at once."""


@dataclass(frozen=True, slots=True)
class Draw(Fill):
    """Independent draws from a distribution, rounded to a dtype.

    ``shape`` is the shape of the logical array. Axis k of the logical array is axis ``order[k]`` of the array to be
    filled. Afterwards ``zeros`` elements of each column of a matrix are set to zero.
    """

    distribution: Distribution
    seed: Seed
    dtype: FloatFormat
    shape: tuple[int, ...]
    order: tuple[int, ...]
    zeros: int = 0

    @property
    def inverse(self) -> tuple[int, ...]:
        """The axes of the logical array in the order of the array to be filled."""
        return inverse(self.order)

    def moments(self) -> tuple[complex, float]:
        """Return the moments of the draws and zeros together; with zeros the mean is 0."""
        mean, std = moments(self.distribution)
        return mean, std * math.sqrt(1.0 - self.zeros / self.shape[0]) if self.zeros else std

    def fill_host(self, array: Host, corner: Sequence[int] | None = None) -> None:
        """Fill an array, or the box of it that begins at ``corner``.

        A format that NumPy lacks may be in memory of any NumPy dtype of its size.
        """
        if self.dtype.name in BEYOND_NUMPY and 8 * array.itemsize == self.dtype.bits:
            array = array.view(np.dtype(memory_dtype(self.dtype.name)).newbyteorder(array.dtype.byteorder))
        self.fill_box(array.transpose(self.order), self._logical(corner or [0] * array.ndim))

    def fill_memory(self, memory: Host, dtype: str) -> None:
        """Fill the memory of a whole array."""
        self.fill_host(memory)

    def chunks(
        self, shape: Sequence[int], dtype: str, corner: Sequence[int] | None = None
    ) -> Iterator[tuple[Index, Host]]:
        """Yield chunks that are long along the last axes of the logical array."""
        sizes, first = self._logical(shape), self._logical(corner or [0] * len(shape))
        # With zeros, chunks hold whole columns if they fit: the zeros of a column are chosen together.
        turned = slice(None, None, -1 if self.zeros else 1)
        for index in boxes(sizes[turned], fills.UPLOAD // np.dtype(host_dtype(dtype)).itemsize):
            box = index[turned]
            chunk = np.empty([i.stop - i.start for i in box], host_dtype(dtype))
            self.fill_box(chunk, [k + i.start for k, i in zip(first, box, strict=True)])
            yield tuple(box[k] for k in self.inverse), chunk.transpose(self.inverse)

    def fill_box(self, box: Host, corner: Sequence[int]) -> None:
        """Fill the box of the logical array that begins at ``corner``.

        A format that NumPy lacks is stored as bits in unsigned integers, or as numbers in an array of float32.
        """
        if not box.size:
            return
        view, shape, first = merged(box, self.shape, corner)
        key = self.seed.key()
        law = compiled.law(self.distribution, self.dtype, box.dtype)

        def work(index: Index) -> None:
            start = [k + i.start for k, i in zip(first, index, strict=True)]
            if law is None:
                self._compute(key, view[index], shape, start)
            else:
                compiled.fill(law, key, view[index], shape, start)

        spread(work, boxes(view.shape, box.size if box.size <= compiled.ALONE else CHUNK))
        if self.zeros:
            clear_columns(box, corner, self.shape[0], self.zeros, key)

    def _compute(self, key: Key, chunk: Host, shape: Sequence[int], corner: Sequence[int]) -> None:
        """Fill a chunk of the logical array by operations of NumPy."""
        drawn = [box_words(key, k, shape, corner, chunk.shape, self.dtype.word) for k in streams(self.dtype)]
        numbers = transform(NUMPY, self.distribution, drawn, self.dtype)
        _store(chunk, numbers.reshape(chunk.shape), self.dtype)

    def _logical(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Reorder one number an axis from the order of the array to be filled to the logical order."""
        return tuple(sizes[k] for k in self.order)


def _store(out: Host, drawn: Host, dtype: FloatFormat) -> None:
    if dtype.name in BEYOND_NUMPY:
        bits = to_bits(np, drawn, dtype)
        drawn = from_bits(bits, dtype) if out.dtype == np.float32 else bits
    np.copyto(out, drawn, casting="unsafe")
