"""Orthogonal and sparse matrices, computed by operations of the array's library."""

from __future__ import annotations

import math
from dataclasses import dataclass

from arrayinit.backends.computed import Computed
from arrayinit.backends.native import NativeBackend
from arrayinit.backends.protocol import Array
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.core.layouts import inverse
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.fill import Constant
from arrayinit.stream.seed import Seed


@dataclass(frozen=True, slots=True)
class Orthogonal(Computed):
    """``gain`` times matrices with orthonormal rows, or orthonormal columns if there are fewer columns."""

    matrices: tuple[int, ...]
    """The shape of the matrices: batch, rows and columns."""
    gain: float
    axes: tuple[int, ...]
    """The axes of the array, in the order of the unfolded matrices."""
    index: tuple[int | slice, ...]
    """The position of the matrices in the array; all other elements are 0."""

    def moments(self) -> tuple[complex, float]:
        """Return the moments over all elements: the orthonormal rows, or columns, have a norm of ``gain``."""
        *batch, rows, columns = self.matrices
        size = math.prod(self.shape) // math.prod(batch)
        return 0.0, abs(self.gain) * math.sqrt(min(rows, columns) / size)

    def compute(self, backend: NativeBackend, x: Array) -> Array:
        """Fill ``x``."""
        is_whole = all(isinstance(i, slice) for i in self.index)
        blank = x if is_whole and 0 not in self.shape else backend.write(x, Constant(0))
        if 0 in self.shape:
            return blank
        q = backend.qr(self._normal(backend, x), self.source)
        q *= self.gain
        xp = backend.namespace(q)
        q = xp.permute_dims(xp.reshape(q, tuple(self.shape[i] for i in self.axes)), inverse(self.axes))
        if is_whole:
            return backend.assign(blank, q)
        return backend.set_at(blank, self.index, backend.assign(backend.empty(x, tuple(q.shape), backend.dtype(x)), q))

    def _normal(self, backend: NativeBackend, x: Array) -> Array:
        """Return matrices of standard normal numbers, in the dtype of the computation."""
        dtype = FORMATS[self.dtype.compute]
        if not isinstance(self.source, Seed):
            return backend.matrix(x, self.matrices, self.source, dtype)
        blank, order = backend.empty(x, self.matrices, dtype.name), tuple(range(len(self.matrices)))
        return backend.write(blank, Draw(Normal(0.0, 1.0), self.source, dtype, self.matrices, order))


@dataclass(frozen=True, slots=True)
class Sparse(Computed):
    """Normal numbers and zeros, both drawn by a generator."""

    distribution: Normal
    zeros: int
    """The number of zeros in each column."""

    def moments(self) -> tuple[complex, float]:
        """Return the moments of the numbers and zeros together."""
        return 0.0, self.distribution.std * math.sqrt(1.0 - self.zeros / self.shape[0])

    def compute(self, backend: NativeBackend, x: Array) -> Array:
        """Fill ``x``. Choose the smaller set: the zeros in a full draw, or the numbers to draw into zeros."""
        (rows, columns), zeros = self.shape, self.zeros
        choosing, drawing = backend.split(self.source, 2)
        if zeros <= rows - zeros:
            filled = backend.draw(x, self.distribution, drawing, self.dtype)
            return backend.set_at(filled, backend.subsets(x, zeros, choosing), 0) if zeros and columns else filled
        filled = backend.write(x, Constant(0))
        if zeros == rows or not columns:
            return filled
        blank = backend.empty(x, (rows - zeros, columns), backend.dtype(x))
        values = backend.draw(blank, self.distribution, drawing, self.dtype)
        return backend.set_at(filled, backend.subsets(x, rows - zeros, choosing), values)
