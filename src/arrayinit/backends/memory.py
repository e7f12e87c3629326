"""Libraries whose memory on the host can be written without them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from arrayinit.backends.protocol import Array, Generator, InPlace, Prepared
from arrayinit.kernels.rounding import memory_dtype
from arrayinit.stream import extension
from arrayinit.stream.seed import SEEDS, Seed


class InHostMemory(InPlace):
    """Adapter for arrays that may have memory on the host. The compiled core fills small ones at once."""

    @abstractmethod
    def address(self, x: Array) -> int:
        """Return the address of ``x`` if its memory is on the host and in C order, else 0."""

    def written(self, x: Array) -> None:
        """Tell the library that the memory of ``x`` was written."""

    def kind(self, x: Array) -> Hashable:
        return tuple(x.shape), self.dtype(x)

    def fill_at_once(self, x: Array, prepared: Prepared, source: Generator | int | Seed | None) -> Array | None:
        core = extension.core()
        if core is None or prepared.law is None or not (address := self.address(x)):
            return None
        seed = self.generator(x, None) if source is None else source
        if type(seed) not in SEEDS:
            return None
        core.fill_address(prepared.law, seed, address, tuple(x.shape), prepared.order)
        self.written(x)
        return x


def host_memory(
    address: int, shape: Sequence[int], strides: Sequence[int], dtype: str, owner: Any
) -> np.ndarray[Any, Any]:
    """Return the memory of an array of ``dtype`` as a writable array in the `memory_dtype`, without a copy.

    ``strides`` count elements. The result keeps ``owner`` alive, which owns the memory.
    """
    held = np.dtype(memory_dtype(dtype))
    facts = {
        "version": 3,
        "typestr": held.str,
        "data": (address, False),
        "shape": tuple(shape),
        "strides": tuple(step * held.itemsize for step in strides),
    }
    return np.asarray(SimpleNamespace(__array_interface__=facts, owner=owner))
