"""The central operation of the portable stream: any box of a logical array, filled on its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import Format
from arrayinit.core.layouts import inverse
from arrayinit.random.arithmetic import NumPyArithmetic
from arrayinit.random.boxes import Index, boxes, merged
from arrayinit.random.seeds import Seed
from arrayinit.random.subsets import clear_columns
from arrayinit.random.threads import count, spread
from arrayinit.random.values import streams, values, word_dtype
from arrayinit.random.words import box_words

Host = np.ndarray[Any, Any]

# Elements that one thread computes at once: more than fit its own cache, since of fewer each call, for which it waits
# for the interpreter's lock, would cost more. With many threads fewer, so that all of them hold no more than the second
# number of bytes, but not so few that the calls cost more than the work.
CHUNK = 1 << 18
_HELD = 24 << 20
_LEAST = 1 << 13

# Elements of which it does not pay to leave some to another thread, which has to be started.
_ALONE = 1 << 17

# Rows that are so far from each other, or a multiple of it, share one place of a cache.
_PAGE = 1 << 12

# Bytes that are made on the host at once for an array that lives elsewhere.
UPLOAD = 8 << 20


@dataclass(frozen=True, slots=True)
class Draw:
    """What an array is filled with, whatever its library and in whatever parts.

    ``shape`` is that of the logical array, whose axis k is axis ``order[k]`` of the array to be filled. ``zeros``
    elements of each column of a matrix are cleared afterwards.
    """

    distribution: Distribution
    seed: Seed
    form: Format
    shape: tuple[int, ...]
    order: tuple[int, ...]
    zeros: int = 0

    @property
    def word(self) -> str:
        """The dtype of the random words."""
        return word_dtype(self.form)

    @property
    def inverse(self) -> tuple[int, ...]:
        """The axes of the logical array in the order of the array to be filled."""
        return inverse(self.order)

    def into(self, array: Host, corner: Sequence[int] | None = None) -> None:
        """Fill the whole array, or a box of it that begins at ``corner``; bfloat16 too, whatever NumPy takes it for."""
        if self.form.name == "bfloat16" and array.itemsize == 2:
            array = array.view(np.dtype(np.uint16).newbyteorder(array.dtype.byteorder))
        self.fill(array.transpose(self.order), self._logical(corner or [0] * array.ndim))

    def parts(
        self, shape: Sequence[int] | None = None, corner: Sequence[int] | None = None
    ) -> Iterator[tuple[Index, Host]]:
        """Yield the whole array, or a box of it, in parts of bounded size, and where each belongs in the array or box.

        bfloat16 comes as numbers in float32.
        """
        dtype = "float32" if self.form.name == "bfloat16" else self.form.name
        sizes = self.shape if shape is None else self._logical(shape)
        first = self._logical(corner or [0] * len(sizes))
        # Columns that are chosen from had better stay whole.
        turned = slice(None, None, -1 if self.zeros else 1)
        for index in boxes(sizes[turned], UPLOAD // np.dtype(dtype).itemsize):
            box = index[turned]
            part = np.empty([i.stop - i.start for i in box], dtype)
            self.fill(part, [k + i.start for k, i in zip(first, box, strict=True)])
            yield tuple(box[k] for k in self.inverse), part.transpose(self.inverse)

    def _logical(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Return one number for each axis, given in the order of the array to be filled."""
        return tuple(sizes[k] for k in self.order)

    def _chunk(self, size: int) -> int:
        # To ask for the number of threads takes as long as to fill a small array.
        if size <= min(_LEAST, CHUNK):
            return size
        # Some ten temporaries, of the size of the words.
        held = 10 * len(streams(self.form)) * np.dtype(self.word).itemsize
        threads = count()
        return min(CHUNK, max(_LEAST, _HELD // (held * threads)), max(_ALONE, -(-size // threads)))

    def fill(self, box: Host, corner: Sequence[int]) -> None:
        """Fill a box of the logical array, which begins at ``corner``.

        bfloat16 is stored as its bits in an array of uint16, or as numbers in one of float32.
        """
        if not box.size:
            return
        view, shape, first = merged(box, self.shape, corner)
        key = self.seed.key()

        def work(index: Index) -> None:
            part = view[index]
            start = [k + i.start for k, i in zip(first, index, strict=True)]
            drawn = [box_words(key, k, shape, start, part.shape, self.word) for k in streams(self.form)]
            # The computation may end where the numbers are to lie.
            is_ready = part.dtype == self.form.compute == self.form.name and part.flags.c_contiguous
            memory = part.reshape(-1) if is_ready and not self.form.is_complex else None
            numbers = values(NumPyArithmetic(memory), self.distribution, drawn, self.form)
            if numbers is not memory:
                _store(part, numbers.reshape(part.shape), self.form)

        _keep_freed_memory()
        spread(work, boxes(view.shape, self._chunk(box.size)))
        if self.zeros:
            clear_columns(box, corner, self.shape[0], self.zeros, key)


@cache
def _keep_freed_memory() -> None:
    # glibc gives what a temporary held back to the system, and takes it anew page by page, which costs more than all
    # the arithmetic, until it has seen a larger block freed.
    np.empty(_HELD, np.uint8)


def _store(out: Host, drawn: Host, form: Format) -> None:
    if form.name == "bfloat16":
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
        drawn = _apart(drawn)
    np.copyto(out, drawn, casting="unsafe")


def _apart(rows: Host) -> Host:
    """Return a copy to be read across its rows, which do not share one place of a cache."""
    count = rows.shape[-1]
    copy: Host = np.empty((*rows.shape[:-1], count + 16), rows.dtype)[..., :count]
    np.copyto(copy, rows)
    return copy
