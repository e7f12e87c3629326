"""Copy into tensors, and export tensors to other libraries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensor

from arrayinit.backends._torch.dtensor import pairs, whole
from arrayinit.backends._torch.memory import (
    PLAIN,
    check_allocated,
    fill_memory,
    is_opaque,
    is_plain,
    is_recorded,
    is_wrapped,
)
from arrayinit.backends._torch.narrow import name_of, readable, store
from arrayinit.backends._torch.wrappers import read
from arrayinit.backends.protocol import Array
from arrayinit.kernels.rounding import BEYOND_NUMPY, memory_dtype, rounded_on_host, rounds_twice
from arrayinit.kernels.table import Table


def exports(x: torch.Tensor) -> Iterator[Array]:
    """Yield the forms of a tensor that other libraries can read, as `Backend.read`."""
    if not _has_values(x) or torch.compiler.is_compiling() or is_wrapped(x):
        raise TypeError("a tensor that is meta, fake, compiled or within torch.func has no values")
    # DLPack refuses tensors that require grad or are conjugated, and drops a lazy negation.
    bare = _readable(whole(x)).detach().resolve_conj().resolve_neg()
    if bare.is_cpu and not bare.data_ptr():
        # torch._efficientzerotensor returns a tensor with elements but without memory.
        bare = bare.clone()
    yield bare
    # Tensor.numpy() would make the storage of x impossible to resize, for ever.
    yield np.from_dlpack(readable(bare).cpu())


def copy(x: torch.Tensor, source: Array) -> torch.Tensor:
    """Copy the values of ``source`` into ``x``."""
    if _has_values(x) and not _has_values(source):
        raise TypeError("source is a meta or fake tensor without values, but x is not")
    if isinstance(source, torch.Tensor):
        source = _readable(source)
    # A fake tensor stays as it is: it cannot take values from a real one.
    if source is not x and (_has_values(x) or not _has_values(source)):
        with torch.no_grad():
            for part, its in pairs(x, _unshared(x, source)):
                _copy(part, its)
    return x


def _copy(x: torch.Tensor, source: Array) -> None:
    """Copy a tensor or a NumPy array into memory of this process."""
    in_place = type(x) in PLAIN and not torch.compiler.is_compiling() and not is_recorded()
    if isinstance(source, torch.Tensor):
        if not (rounds_twice(name_of(source), name_of(x)) and in_place and is_plain(source)):
            store(x, source)
            return
        *_, source = exports(source)
    if source.dtype.name == name_of(x) in BEYOND_NUMPY and _is_plain(source):
        # torch knows no array of these formats. It takes their bits.
        x.copy_(torch.from_numpy(source.view(memory_dtype(name_of(x)))).view(x.dtype))
        return
    if not in_place:
        store(x, torch.from_numpy(rounded_on_host(source, name_of(x))).to(x.device))
        return
    table = Table(source)
    if fill_memory(x, table):
        return
    for index, chunk in table.chunks(x.shape, name_of(x)):
        store(x[index], torch.from_numpy(chunk))


def _is_plain(source: np.ndarray[Any, Any]) -> bool:
    """Whether torch takes the memory of an array as it is, and does not warn that it is read-only."""
    return source.flags.writeable and source.dtype.isnative and min(source.strides, default=0) >= 0


def _has_values(x: Array) -> bool:
    return isinstance(x, np.ndarray) or not (x.is_meta or isinstance(x, FakeTensor))


def _readable(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor with memory that has the values of a source."""
    if type(x) not in PLAIN and is_opaque(x):
        return read(x)
    if not torch.compiler.is_compiling():
        check_allocated(x, "source")
    return x


def _unshared(x: torch.Tensor, source: Array) -> Array:
    """Return the source, or a copy of it if it may share memory with ``x``."""
    if torch.compiler.is_compiling() or type(x) not in PLAIN or type(source) not in (*PLAIN, np.ndarray):
        return source
    try:
        (low, high), (first, last) = _span(x), _span(source)
    except RuntimeError:
        # Under torch.vmap a tensor has no memory of its own.
        return source
    if last <= low or high <= first:
        return source
    return source.copy() if isinstance(source, np.ndarray) else source.clone()


def _span(x: Array) -> tuple[int, int]:
    """Return the first address of an array, and the address after its end."""
    if isinstance(x, np.ndarray):
        return np.lib.array_utils.byte_bounds(x)
    length = 1 + sum((size - 1) * step for size, step in zip(x.shape, x.stride(), strict=True))
    return x.data_ptr(), x.data_ptr() + length * x.itemsize
