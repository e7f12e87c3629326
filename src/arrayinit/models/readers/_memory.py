"""The memory of arrays: which are one array under two names, and which overlap in another way."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers.protocol import is_derived

_PADDLE = frozenset({"paddle.Tensor"})


def identity(array: Any) -> Any:
    """Return what two arrays share if they are one array: the object, or the memory with its geometry."""
    held = _extent(array)
    return id(array) if held is None else (*held[:2], *_geometry(array))


def tie(parameters: Sequence[Parameter]) -> None:
    """Name the owner of each array that stands under several names. A buffer is no owner of a parameter."""
    owners: dict[Any, Parameter] = {}
    for p in sorted(parameters, key=lambda p: p.is_buffer):
        owner = owners.setdefault(identity(p.array), p)
        if owner is not p:
            p.owner = owner.name
            # A head may come before the embedding that it is tied to.
            owner.zero_rows = tuple(sorted({*owner.zero_rows, *p.zero_rows}))
    _mark_overlaps(parameters)


def _mark_overlaps(parameters: Iterable[Parameter]) -> None:
    """Give a fault to each parameter that shares a part of its memory with another one, and is not the same array."""
    held = [(extent, p) for p in parameters if p.owner is None and (extent := _extent(p.array)) is not None]
    held.sort(key=lambda entry: entry[0])
    last: dict[Any, tuple[int, Parameter]] = {}
    for (space, start, stop), p in held:
        end, other = last.get(space, (0, p))
        if start < end and not (p.is_buffer or other.is_buffer):
            p.fault = other.fault = (
                f"{p.name!r} and {other.name!r} share memory, but are not the same array: fill the tensor that both "
                "are views of, and use keep() for the other"
            )
        if stop > end:
            last[space] = stop, p


class Memory:
    """The memory of the parameters of a model."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        held = ((extent, identity(p.array)) for p in parameters if (extent := _extent(p.array)) is not None)
        self._held = sorted(held, key=lambda entry: entry[0])

    def has_part_of(self, array: Any, own: Any) -> bool:
        """Whether an array shares memory with a parameter, unless it is the array ``own`` of this parameter."""
        extent = _extent(array)
        if extent is None:
            return False
        space, start, stop = extent
        # Parameters do not overlap: the last that begins before the end is the one.
        at = bisect_left(self._held, (space, stop), key=lambda entry: entry[0][:2]) - 1
        if at < 0:
            return False
        (its_space, _, its_stop), its_identity = self._held[at]
        is_shared = its_space == space and its_stop > start
        return bool(is_shared and not identity(array) == its_identity == identity(own))


def _geometry(array: Any) -> tuple[Any, ...]:
    strides = array.stride() if callable(getattr(array, "stride", None)) else array.strides
    return tuple(array.shape), tuple(strides), str(array.dtype)


def _extent(array: Any) -> tuple[int, int, int] | None:
    """Return a space of addresses, and the first and the last address in it; None if they are not known."""
    if isinstance(array, np.ndarray):
        return (0, *np.lib.array_utils.byte_bounds(array)) if array.size else None
    if is_derived(type(array), _PADDLE):
        return _extent_of_paddle(array)
    if type(array).__module__ not in ("torch", "torch.nn.parameter") or "Uninitialized" in type(array).__name__:
        return None
    if str(array.layout) != "torch.strided" or array.numel() == 0:
        return None
    start = array.storage_offset() * array.itemsize
    length = 1 + sum((size - 1) * step for size, step in zip(array.shape, array.stride(), strict=True))
    return array.untyped_storage()._cdata, start, start + length * array.itemsize


def _extent_of_paddle(array: Any) -> tuple[int, int, int] | None:
    if not array._is_initialized() or not array.data_ptr():
        return None
    # Addresses on the host are those of NumPy.
    space = 0 if array.place.is_cpu_place() else hash(str(array.place))
    steps = [(size - 1) * step for size, step in zip(array.shape, array.strides, strict=True)]
    first, last = (sum(sign * step for step in steps if sign * step > 0) for sign in (-1, 1))
    start, itemsize = array.data_ptr(), array.element_size()
    return space, start - first * itemsize, start + (last + 1) * itemsize
