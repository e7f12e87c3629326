"""A draw of the portable stream. NumPy generates any box of it in host memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FloatFormat
from arrayinit.core.layouts import inverse
from arrayinit.core.moments import moments
from arrayinit.kernels import fill as fills
from arrayinit.kernels.fill import Fill, Host
from arrayinit.kernels.numpy_ops import NumPyOps
from arrayinit.kernels.rounding import host_dtype
from arrayinit.kernels.subsets import clear_columns
from arrayinit.kernels.threads import count, spread
from arrayinit.kernels.words import box_words, words
from arrayinit.stream.box import Index, boxes, merged
from arrayinit.stream.seed import Seed
from arrayinit.stream.transform import streams, transform

# Elements that one thread computes at once. They exceed the thread's cache, since each NumPy call waits for the GIL.
# Many threads take smaller chunks: all threads together hold at most _HELD bytes. No chunk is smaller than _LEAST,
# where the calls would cost more than the work.
CHUNK = 1 << 18
_HELD = 24 << 20
_LEAST = 1 << 13

# Below this many elements, starting a second thread costs more than it saves.
_ALONE = 1 << 17

# Rows at a distance of a multiple of this many bytes share one cache set.
_PAGE = 1 << 12


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
        """Fill an array, or the box of it that begins at ``corner``. bfloat16 may be any NumPy dtype of 2 bytes."""
        if self.dtype.name == "bfloat16" and array.itemsize == 2:
            array = array.view(np.dtype(np.uint16).newbyteorder(array.dtype.byteorder))
        is_whole = corner is None and not self.zeros and self.order == tuple(range(array.ndim))
        if is_whole and 0 < array.size <= min(_LEAST, CHUNK) and array.flags.c_contiguous:
            self._fill_small(np.asarray(array).reshape(-1))
            return
        self.fill_box(array.transpose(self.order), self._logical(corner or [0] * array.ndim))

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

        bfloat16 is stored as bits in an array of uint16, or as numbers in an array of float32.
        """
        if not box.size:
            return
        view, shape, first = merged(box, self.shape, corner)
        key = self.seed.key()

        def work(index: Index) -> None:
            chunk = view[index]
            start = [k + i.start for k, i in zip(first, index, strict=True)]
            drawn = [box_words(key, k, shape, start, chunk.shape, self.dtype.word) for k in streams(self.dtype)]
            self._compute(drawn, chunk)

        _keep_freed_memory()
        spread(work, boxes(view.shape, self._chunk_size(box.size)))
        if self.zeros:
            clear_columns(box, corner, self.shape[0], self.zeros, key)

    def _fill_small(self, flat: Host) -> None:
        """Fill a small contiguous array at once, without geometry and threads."""
        key = self.seed.key()
        drawn = [words(key, 0, 0, flat.size, self.dtype.word)]
        if self.dtype.is_complex:
            drawn.append(words(key, 1, 0, flat.size, self.dtype.word))
        with np.errstate(all="ignore"):
            self._compute(drawn, flat)

    def _compute(self, drawn: list[Host], chunk: Host) -> None:
        """Fill a chunk from its random words."""
        # The last operation can write to the destination if it is contiguous and has the dtype of the computation.
        in_place = chunk.dtype == self.dtype.compute == self.dtype.name and chunk.flags.c_contiguous
        memory = chunk.reshape(-1) if in_place and not self.dtype.is_complex else None
        numbers = transform(NumPyOps(memory), self.distribution, drawn, self.dtype)
        if numbers is not memory:
            _store(chunk, numbers.reshape(chunk.shape), self.dtype)

    def _logical(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Reorder one number an axis from the order of the array to be filled to the logical order."""
        return tuple(sizes[k] for k in self.order)

    def _chunk_size(self, size: int) -> int:
        # count() takes as long as filling a small array.
        if size <= min(_LEAST, CHUNK):
            return size
        # About ten temporaries, each of the size of the words.
        held = 10 * len(streams(self.dtype)) * np.dtype(self.dtype.word).itemsize
        threads = count()
        return min(CHUNK, max(_LEAST, _HELD // (held * threads)), max(_ALONE, -(-size // threads)))


@cache
def _keep_freed_memory() -> None:
    # glibc returns each freed temporary to the system until it has seen a larger block freed. Taking the memory back,
    # page by page, costs more than all the arithmetic.
    np.empty(_HELD, np.uint8)


def _store(out: Host, drawn: Host, dtype: FloatFormat) -> None:
    if dtype.name == "bfloat16":
        # Round to nearest even; no draw is NaN.
        bits = drawn.view(np.uint32)
        up = bits >> 16
        up &= 1
        up += 0x7FFF
        bits += up
        if out.dtype == np.float32:
            bits &= 0xFFFF0000
        else:
            bits >>= 16
            drawn = bits
    across = any(stride < out.strides[-1] for stride, size in zip(out.strides, out.shape, strict=True) if size > 1)
    if across and drawn.strides[-2] % _PAGE == 0:
        drawn = _spaced(drawn)
    np.copyto(out, drawn, casting="unsafe")


def _spaced(rows: Host) -> Host:
    """Return a copy whose rows do not share one cache set, for reading across the rows."""
    count = rows.shape[-1]
    copy: Host = np.empty((*rows.shape[:-1], count + 16), rows.dtype)[..., :count]
    np.copyto(copy, rows)
    return copy
