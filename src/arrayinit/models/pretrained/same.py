"""Whether two tensors of a checkpoint have the same values."""

from __future__ import annotations

from typing import Any

import numpy as np

from arrayinit.backends.registry import backend_of
from arrayinit.models.pretrained.loaded import Loaded
from arrayinit.stream.box import boxes

_CHUNK = 1 << 22


def are_equal(one: Loaded, other: Loaded, shape: tuple[int, ...]) -> bool:
    """Whether two tensors give a parameter of this shape the same values; they are read chunk by chunk."""
    assert one.tensor is not None
    assert other.tensor is not None
    if one.tensor.array is not None and one.tensor.array is other.tensor.array and one.pairs == other.pairs:
        return True
    return all(_equal(one.values(shape, index), other.values(shape, index)) for index in boxes(shape, _CHUNK))


def _equal(one: Any, other: Any) -> bool:
    *_, ours = backend_of(one).read(one)
    *_, theirs = backend_of(other).read(other)
    return bool(np.array_equal(ours, theirs, equal_nan=True))
