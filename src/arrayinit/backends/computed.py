"""Fills that are computed as a whole, by a library's own generator or by matrix products."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from arrayinit.backends.native import NativeBackend
from arrayinit.backends.protocol import Array, Generator
from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FloatFormat
from arrayinit.core.moments import moments
from arrayinit.kernels.fill import Fill, Host
from arrayinit.kernels.table import Table
from arrayinit.stream.box import Index
from arrayinit.stream.seed import Seed


@dataclass(frozen=True, slots=True)
class Computed(Fill):
    """A fill whose elements cannot be computed one by one. On the host, a box is a slice of the whole array."""

    source: Generator | Seed
    shape: tuple[int, ...]
    dtype: FloatFormat
    """The dtype of the array. On the host, the fill may be computed in a wider dtype."""

    @abstractmethod
    def compute(self, backend: NativeBackend, x: Array) -> Array:
        """Fill ``x`` by operations of its library, and return ``x`` or a new array."""

    @property
    def is_by_box(self) -> bool:
        """Return False: the array is computed as a whole."""
        return False

    @property
    def is_of_numpy(self) -> bool:
        """Whether the source is a NumPy generator, which only NumPy can use."""
        return isinstance(self.source, np.random.Generator)

    @property
    def is_repeatable(self) -> bool:
        """Whether the fill may be computed later, and more than once. A generator's state would change meanwhile."""
        return isinstance(self.source, Seed)

    def on_host(self) -> Host:
        """Return all values, computed by NumPy, in the dtype of the computation."""
        host = np.empty(self.shape, self.dtype.compute)
        self._compute(host)
        return host

    def fill_host(self, array: Host, corner: Sequence[int] | None = None) -> None:
        """Fill a whole array in place, or copy the box that begins at ``corner`` from the whole array."""
        if corner is None and array.dtype.name == self.dtype.name:
            self._compute(array)
        elif corner is not None and not self.is_repeatable:
            raise ValueError("a generator draws an array as a whole: take its boxes from chunks()")
        else:
            Table(self.on_host()).fill_host(array, corner)

    def chunks(
        self, shape: Sequence[int], dtype: str, corner: Sequence[int] | None = None
    ) -> Iterator[tuple[Index, Host]]:
        """Yield chunks of the whole array."""
        return Table(self.on_host()).chunks(shape, dtype, corner)

    def _compute(self, host: Host) -> None:
        # Imported here: this is a fifth of the time to import arrayinit, and a program may never draw on the host.
        from arrayinit.backends._numpy import BACKEND

        self.compute(BACKEND, host)


@dataclass(frozen=True, slots=True)
class NativeDraw(Computed):
    """Independent draws of a generator, in the order of the generator."""

    distribution: Distribution

    def moments(self) -> tuple[complex, float]:
        """Return the moments of the distribution."""
        return moments(self.distribution)

    def compute(self, backend: NativeBackend, x: Array) -> Array:
        """Fill ``x``."""
        return backend.draw(x, self.distribution, self.source, self.dtype)
