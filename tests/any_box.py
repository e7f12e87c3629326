"""Draws, boxes of their logical arrays, and memory for these boxes; and the bits that belong there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from random import Random
from typing import Any, NamedTuple

import numpy as np
from boxes import STORED
from float8 import FLOAT8, encoded
from kernels_under_test import Kernel
from kernels_under_test.kernel import Corner

from arrayinit.core.dtypes import FORMATS, FloatFormat
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.numpy_ops import NumPyOps
from arrayinit.stream.box import c_strides
from arrayinit.stream.philox import KEYS, WORDS_PER_BLOCK, philox
from arrayinit.stream.seed import seed_of
from arrayinit.stream.transform import streams, transform

ELEMENTS = 1000
"""The most elements of a box, and of one axis."""


class Memory(NamedTuple):
    """Where a box lies: the order of its axes in memory, and the distance of neighbours and the gap along each axis."""

    order: tuple[int, ...]
    steps: tuple[int, ...]
    gaps: tuple[int, ...]

    def make(self, size: Sequence[int], dtype: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the whole memory, and the box of this size in it."""
        sides = [(size[k] * abs(self.steps[k]) + self.gaps[k]) for k in self.order]
        memory = np.full(sides, 7, STORED.get(dtype, dtype))
        # Without axes, the dots keep an array.
        box = memory[(..., *(slice(self.gaps[k], None, abs(self.steps[k])) for k in self.order))]
        box = box.transpose(np.argsort(self.order).tolist())
        return memory, box[(..., *(slice(None, None, 1 if step > 0 else -1) for step in self.steps))]


class Case(NamedTuple):
    """A box that begins at ``corner`` of the logical array of a draw."""

    draw: Draw
    corner: tuple[int, ...]
    size: tuple[int, ...]
    memory: Memory

    def filled(self, fill: Callable[[Draw, np.ndarray, list[int]], object]) -> np.ndarray:
        """Return the bytes of the memory. ``fill`` gets the box and its corner in the order of the array to be filled.

        All axes of the memory are in its bytes, so a write beside the box is seen.
        """
        inverse = self.draw.inverse
        memory, box = self.memory.make([self.size[k] for k in inverse], self.draw.dtype.name)
        fill(self.draw, box, [self.corner[k] for k in inverse])
        return np.ascontiguousarray(memory).reshape(-1).view(np.uint8)

    def expected(self) -> np.ndarray:
        """Return what the bytes should be."""

        def fill(draw: Draw, box: np.ndarray, _: object) -> None:
            box.transpose(draw.order)[...] = by_elements(draw, self.corner, self.size)

        return self.filled(fill)


def by_elements(draw: Draw, corner: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """Return a box. Each element takes the words that belong to its place in the logical array."""
    key, form = draw.seed.key(), draw.dtype
    words = [_words(key, stream, _places(draw.shape, corner, size), form.word) for stream in streams(form)]
    with np.errstate(all="ignore"):
        values = _stored(transform(NumPyOps(), draw.distribution, words, form), form).reshape(size)
    if draw.zeros and values.size:
        rows = draw.shape[0]
        places = _places(draw.shape[::-1], (corner[1], 0), (size[1], rows))
        keys = _words(key, KEYS, places, "uint32").reshape(size[1], rows)
        ranks = np.argsort(np.argsort(keys, axis=1, kind="stable"), axis=1).T
        values[ranks[corner[0] : corner[0] + size[0]] < draw.zeros] = 0
    return values


def _places(shape: Sequence[int], corner: Sequence[int], size: Sequence[int]) -> np.ndarray:
    places = np.zeros(1, np.uint64)
    for start, count, stride in zip(corner, size, c_strides(shape), strict=True):
        steps = np.arange(count, dtype=np.uint64) + np.uint64(start)
        places = (places[:, None] + steps * np.uint64(stride % 2**64)).reshape(-1)
    return places


def _words(key: Any, stream: int, places: np.ndarray, dtype: str) -> np.ndarray:
    blocks, skips = np.divmod(places, np.uint64(WORDS_PER_BLOCK[dtype]))
    drawn = np.stack(philox(blocks + np.uint64(1), stream, key), axis=-1)
    if dtype == "uint32":
        drawn = np.stack([drawn & np.uint64(0xFFFFFFFF), drawn >> np.uint64(32)], axis=-1).reshape(len(places), 8)
    return drawn[np.arange(len(places)), skips.astype(np.intp)].astype(dtype)


def _stored(values: np.ndarray, form: FloatFormat) -> np.ndarray:
    if form.name in FLOAT8:
        return encoded(values, form.name)
    if form.name != "bfloat16":
        return values.astype(form.name)
    # Round to a multiple of the distance of neighbours, ties to even; float64 holds all of these numbers.
    wide = values.astype(np.float64)
    exponents = np.maximum(np.frexp(wide)[1] - 1, form.emin) - form.precision + 1
    near = np.ldexp(np.rint(np.ldexp(wide, -exponents)), exponents)
    return (near.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def random_case(kernel: Kernel, rng: Random) -> Case:
    """Return a box that the kernel can fill, of a draw that it can make."""
    _, distribution, dtype = rng.choice(kernel.distributions)
    is_sparse = kernel.has_zeros and rng.random() < 1 / 3
    size = _random_size(rng, 2 if is_sparse else rng.choice((0, 1, 1, 2, 2, 3, 4, 6)))
    if kernel.takes_empty and size and rng.random() < 0.05:
        size = (*size[:-1], 0)
    shape, corner = _random_whole(kernel, rng, size, is_sparse)
    corner, size = kernel.near(shape, corner, size)
    order = tuple(rng.sample(range(len(size)), len(size)))
    zeros = rng.randint(1, shape[0]) if is_sparse else 0
    draw = Draw(distribution, seed_of(rng.randrange(2**70)), FORMATS[dtype], shape, order, zeros)
    return Case(draw, corner, size, _random_memory(kernel, rng, len(size)))


def _random_size(rng: Random, rank: int) -> tuple[int, ...]:
    """Few long axes or many short ones."""
    size: list[int] = []
    longest = rng.choice((2, 9, 30, ELEMENTS))
    for _ in range(rank):
        size.append(rng.randint(1, min(longest, ELEMENTS // prod(size))))
    return tuple(rng.sample(size, rank))


def _random_whole(kernel: Kernel, rng: Random, size: Corner, is_sparse: bool) -> tuple[Corner, Corner]:
    """Return the shape of a logical array of up to 2^63 elements, and the corner of a box of this size in it."""
    shape, corner = list(size), [0] * len(size)
    if kernel.fills == "whole arrays":
        return size, tuple(corner)
    for k in rng.sample(range(len(size)), len(size)):
        # All rows of a column have keys.
        is_far = kernel.fills == "far boxes" and not (is_sparse and k == 0)
        most = 2**63 // prod(max(1, n) for i, n in enumerate(shape) if i != k) - size[k]
        around = min(most, rng.choice((0, 8, 8, 1 << 20, 1 << 31, 1 << 62) if is_far else (0, 8)))
        before = rng.choice((0, around, rng.randint(0, around)))
        shape[k] += before if rng.random() < 0.2 else around
        corner[k] = before
    return tuple(shape), tuple(corner)


def _random_memory(kernel: Kernel, rng: Random, rank: int) -> Memory:
    """As C arranges memory, or in any other way that the kernel's arrays can have."""
    steps, gaps = (
        rng.choice(((1,), (1, 2, -1, -2) if kernel.has_negative_strides else (1, 2))),
        rng.choice(((0,), (0, 1))),
    )
    order = sorted(range(rank)) if rng.random() < 0.3 else rng.sample(range(rank), rank)
    return Memory(tuple(order), tuple(rng.choices(steps, k=rank)), tuple(rng.choices(gaps, k=rank)))
