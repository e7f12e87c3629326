"""Arrays that consist of pieces along an axis: fused weights, and the weights of stacked layers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar

import numpy as np

from arrayinit.kernels.fill import Constant, Fill, Host
from arrayinit.stream.box import Index

T = TypeVar("T")

Place = tuple[Any, ...]
"""An index of slices, one integer if pieces lack the axis, and dots."""


class Cut(NamedTuple):
    """How an array is cut into pieces along an axis."""

    axis: int
    sizes: tuple[int, ...]
    """The size of each piece along the axis; 1 for a piece that lacks the axis."""
    is_stacked: bool = False
    """Whether the pieces lack the axis."""

    def places(self) -> Iterator[Place]:
        """Yield the index of each piece in the array."""
        stop = 0
        for size in self.sizes:
            start, stop = stop, stop + size
            yield self._place(start, stop)

    def shape(self, number: int, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of a piece of an array of this shape."""
        middle = () if self.is_stacked else (self.sizes[number],)
        return (*shape[: self.axis], *middle, *shape[self.axis + 1 :])

    def within(self, corner: Sequence[int], shape: Sequence[int]) -> Iterator[tuple[int, Place, tuple[int, ...]]]:
        """Yield the number of each piece that a box of the array overlaps, and where.

        ``corner`` and ``shape`` are those of the box. The last two results are the place of the overlap in the box, and
        its corner in the piece.
        """
        first = corner[self.axis]
        last = first + shape[self.axis]
        starts = accumulate(self.sizes, initial=0)
        for number, (size, start) in enumerate(zip(self.sizes, starts, strict=False)):
            low, high = max(start, first), min(start + size, last)
            if low < high:
                middle = () if self.is_stacked else (low - start,)
                place = self._place(low - first, high - first)
                yield number, place, (*corner[: self.axis], *middle, *corner[self.axis + 1 :])

    def by_piece(
        self, boxes: Iterable[tuple[T, Sequence[int], Sequence[int]]]
    ) -> list[list[tuple[T, Place, tuple[int, ...]]]]:
        """Return for each piece what overlaps it, with the place in the box and the corner in the piece.

        A box is given by what it is, its corner in the array, and its shape.
        """
        found: list[list[tuple[T, Place, tuple[int, ...]]]] = [[] for _ in self.sizes]
        for box, corner, shape in boxes:
            for number, place, first in self.within(corner, shape):
                found[number].append((box, place, first))
        return found

    def _place(self, start: int, stop: int) -> Place:
        # With dots, an index of integers alone gives a view too.
        return (*(slice(None),) * self.axis, start if self.is_stacked else slice(start, stop), ...)


@dataclass(frozen=True, slots=True)
class Pieces(Fill):
    """An array of which each piece has a fill of its own. A piece without one is left as it is."""

    cut: Cut
    fills: tuple[Fill | None, ...]

    @property
    def is_by_box(self) -> bool:
        """Whether this holds for all pieces."""
        return all(fill is None or fill.is_by_box for fill in self.fills)

    @property
    def keeps(self) -> bool:
        """Whether a piece is left as it is."""
        return any(fill is None or fill.keeps for fill in self.fills)

    def with_zeros(self) -> Pieces:
        """Return the fill with zeros in the pieces that are left as they are."""
        fills = (fill.with_zeros() if isinstance(fill, Pieces) else fill or Constant(0) for fill in self.fills)
        return Pieces(self.cut, tuple(fills))

    def kept(self, shape: Sequence[int]) -> Host:
        """Return which elements are left as they are. Axes along which nothing is cut have a size of 1."""
        cut = self.cut_axes(tuple(range(len(shape))))
        mask = np.empty([size if axis in cut else 1 for axis, size in enumerate(shape)], bool)
        self.marks().fill_host(mask)
        return mask

    def cut_axes(self, axes: tuple[int, ...]) -> set[int]:
        """Return the axes along which an array is cut; ``axes`` are those of this piece in the array."""
        at = self.cut.axis
        inner = axes[:at] + axes[at + 1 :] if self.cut.is_stacked else axes
        return {axes[at]}.union(*(fill.cut_axes(inner) for fill in self.fills if isinstance(fill, Pieces)))

    def marks(self) -> Pieces:
        """Return the fill that is True where elements are left as they are, and else False."""
        marks = (fill.marks() if isinstance(fill, Pieces) else Constant(fill is None) for fill in self.fills)
        return Pieces(self.cut, tuple(marks))

    def placed(self) -> Iterator[tuple[Place, Fill]]:
        """Yield the index of each piece that has a fill, and the fill."""
        for place, fill in zip(self.cut.places(), self.fills, strict=True):
            if fill is not None:
                yield place, fill

    def fill_host(self, array: Host, corner: Sequence[int] | None = None) -> None:
        """Fill an array, or the box of it that begins at ``corner``."""
        for number, place, first in self.cut.within(corner or (0,) * array.ndim, array.shape):
            fill = self.fills[number]
            if fill is not None:
                fill.fill_host(array[place], None if corner is None else first)

    def chunks(
        self, shape: Sequence[int], dtype: str, corner: Sequence[int] | None = None
    ) -> Iterator[tuple[Index, Host]]:
        """Yield the chunks of each piece."""
        axis = self.cut.axis
        for number, place, first in self.cut.within(corner or (0,) * len(shape), shape):
            fill, here = self.fills[number], place[axis]
            if fill is None:
                continue
            start, size = (here, 1) if self.cut.is_stacked else (here.start, here.stop - here.start)
            inner = (*shape[:axis], *(() if self.cut.is_stacked else (size,)), *shape[axis + 1 :])
            for index, chunk in fill.chunks(inner, dtype, None if corner is None else first):
                if self.cut.is_stacked:
                    yield (*index[:axis], slice(start, start + 1), *index[axis:]), np.expand_dims(chunk, axis)
                else:
                    side = slice(index[axis].start + start, index[axis].stop + start)
                    yield (*index[:axis], side, *index[axis + 1 :]), chunk

    def moments(self) -> tuple[complex, float]:
        """Return the moments of the elements of all pieces together; NaN if a piece is left as it is."""
        found = [(math.nan, math.nan) if fill is None else fill.moments() for fill in self.fills]
        count = sum(self.cut.sizes)
        mean = sum(size * mean for size, (mean, _) in zip(self.cut.sizes, found, strict=True)) / count
        square = sum(
            size * (std**2 + abs(each - mean) ** 2) for size, (each, std) in zip(self.cut.sizes, found, strict=True)
        )
        return mean, math.sqrt(square / count)
