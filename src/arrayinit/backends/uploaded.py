"""Arrays whose values are made in host memory, all at once, unless the library itself draws or copies them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from arrayinit.backends.computed import Computed
from arrayinit.backends.protocol import Array, Backend, Rebound
from arrayinit.kernels.fill import Fill
from arrayinit.kernels.pieces import Pieces
from arrayinit.kernels.table import Table


class Uploaded(Backend):
    """A backend whose library takes over host memory. `write` is the same for all of them."""

    @abstractmethod
    def upload(self, x: Array, fill: Fill) -> Array:
        """Set ``x`` to the values of a fill, made by `Fill.memory` or `Fill.fill_memory`."""

    def copy(self, x: Array, source: Array) -> Array | None:
        """Set ``x`` to the numbers of an array of this library, each rounded once, and share no memory with it.

        Return None, without a write, if the numbers must pass through the host.
        """
        return None

    def write(self, x: Array, fill: Fill) -> Array:
        if isinstance(fill, Computed) and not (fill.is_of_numpy or fill.is_repeatable):
            # Only a library with a generator of its own gets such a fill.
            backend: Any = self
            return fill.compute(backend, x)
        if isinstance(fill, Pieces) and (fill.keeps or not fill.is_by_box):
            for place, piece in fill.placed():
                part = self.write(x[place], piece)
                if isinstance(self, Rebound):
                    x[place] = part
            return x
        if isinstance(fill, Table) and self.accepts(type(fill.values)):
            copied = self.copy(x, fill.values)
            if copied is not None:
                return copied
        return self.upload(x, fill)

    def kept(self, x: Array, fill: Pieces) -> Array:
        return self.write(x, fill)
