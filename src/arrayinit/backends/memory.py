"""Memory of another library on the host, as an array of NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from arrayinit.kernels.rounding import memory_dtype


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
