"""Copies into tensors, and tensors as other libraries may read them."""

from __future__ import annotations

from collections.abc import Iterator

import array_api_compat.torch as xp
import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensor

from arrayinit.backends.numpy import BACKEND as HOST
from arrayinit.backends.numpy import parts
from arrayinit.backends.protocol import Array
from arrayinit.backends.torch_memory import PLAIN, check_allocated, is_opaque, is_plain, is_recorded, is_wrapped, shared
from arrayinit.backends.torch_opaque import read
from arrayinit.backends.torch_shards import is_sharded, pairs
from arrayinit.random.draws import CHUNK
from arrayinit.random.rounding import rounds_twice, to_odd

# Elements that torch converts on the caller's thread: on busy CPUs its threads may wait long for each other.
_SERIAL = 1 << 14


def exports(x: torch.Tensor) -> Iterator[Array]:
    """As in `Backend`."""
    if not _has_values(x) or torch.compiler.is_compiling() or is_wrapped(x):
        raise TypeError("a tensor that is meta, fake, compiled or within torch.func has no values")
    # DLPack refuses what is watched or conjugated, and forgets what is negated.
    bare = _readable(_whole(x)).detach().resolve_conj().resolve_neg()
    if bare.is_cpu and not bare.data_ptr():
        # A torch._efficientzerotensor has elements, but no memory.
        bare = bare.clone()
    yield bare
    # Tensor.numpy() would make the storage of x impossible to resize, for ever.
    yield np.from_dlpack((bare.float() if bare.dtype == torch.bfloat16 else bare).cpu())


def copy(x: torch.Tensor, source: Array) -> torch.Tensor:
    """As in `Backend`."""
    if _has_values(x) and not _has_values(source):
        raise TypeError("source is a meta or fake tensor without values, but x is not")
    if isinstance(source, torch.Tensor):
        source = _readable(source)
    # What is fake stays as it is, and cannot see what is true.
    if source is not x and (_has_values(x) or not _has_values(source)):
        with torch.no_grad():
            _copy(x, _apart(x, source))
    return x


def _copy(x: torch.Tensor, source: Array) -> None:
    if is_sharded(x):
        for part, its in pairs(x, source):
            _copy(part, its)
        return
    in_parts = type(x) in PLAIN and not torch.compiler.is_compiling() and not is_recorded()
    if isinstance(source, torch.Tensor):
        twice = rounds_twice(_name(source), _name(x))
        if in_parts and twice and is_plain(source):
            *_, source = exports(source)
        else:
            x.copy_(to_odd(xp, _whole(source)) if twice else _whole(source))
            return
    if not in_parts:
        new = np.array(source, "float32" if source.dtype.name == "bfloat16" else source.dtype.name)
        _copy(x, torch.from_numpy(new).to(x.device))
        return
    # The only dtype that torch has and NumPy may lack.
    memory = None if x.dtype == torch.bfloat16 else shared(x)
    if memory is not None:
        HOST.copy(memory, source)
        return
    for index, part in parts(source, _name(x), _SERIAL if x.device.type == "cpu" else CHUNK):
        x[index].copy_(torch.from_numpy(part))


def _name(x: torch.Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")


def _has_values(x: Array) -> bool:
    return isinstance(x, np.ndarray) or not (x.is_meta or isinstance(x, FakeTensor))


def _readable(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor that has memory, with the values of a source."""
    if type(x) not in PLAIN and is_opaque(x):
        return read(x)
    if not torch.compiler.is_compiling():
        check_allocated(x, "source")
    return x


def _whole(x: Array) -> Array:
    return x.full_tensor() if is_sharded(x) else x


def _apart(x: torch.Tensor, source: Array) -> Array:
    """Return the source, or a copy of it where it may share memory with ``x``."""
    if torch.compiler.is_compiling() or type(x) not in PLAIN or type(source) not in (*PLAIN, np.ndarray):
        return source
    try:
        (low, high), (first, last) = _span(x), _span(source)
    except RuntimeError:
        # Under torch.vmap neither has memory of its own.
        return source
    if last <= low or high <= first:
        return source
    return source.copy() if isinstance(source, np.ndarray) else source.clone()


def _span(x: Array) -> tuple[int, int]:
    """Return the addresses that an array lies between."""
    if isinstance(x, np.ndarray):
        return np.lib.array_utils.byte_bounds(x)
    length = 1 + sum((size - 1) * step for size, step in zip(x.shape, x.stride(), strict=True))
    return x.data_ptr(), x.data_ptr() + length * x.itemsize
