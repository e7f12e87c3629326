"""Host memory that a library takes over without a copy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

_ALIGNMENT = 64
"""Bytes. A library copies, or aborts at, memory that is aligned to less."""


def aligned(shape: Sequence[int], dtype: Any) -> np.ndarray[Any, Any]:
    """Return an empty array in memory that a library can take over; then the array must not be written again."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    values: np.ndarray[Any, Any] = memory[start : start + size].view(dtype).reshape(shape)
    return values
