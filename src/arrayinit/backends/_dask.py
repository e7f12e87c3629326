"""Dask: lazy arrays, so each method returns a new one, and each chunk is made from a seed when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import array_api_compat.dask.array as xp
import dask.array as da
import numpy as np
from dask.array.utils import meta_from_array

from arrayinit.backends._numpy import BACKEND as HOST
from arrayinit.backends.arguments import is_plain, numpy_generator, qualified
from arrayinit.backends.protocol import Array
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.threads import count

Host = np.ndarray[Any, Any]


class Dask:
    """Adapter for `dask.array.Array`."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, da.Array)

    def namespace(self, x: Array) -> Any:
        return xp

    def dtype(self, x: Array) -> str:
        # Here, since it is asked for before the sizes are.
        if any(math.isnan(size) for size in x.shape):
            raise ValueError(f"x of shape {x.shape} has chunks of unknown size; call x.compute_chunk_sizes() first")
        return HOST.dtype(x)

    def check_writable(self, x: Array) -> None:
        """Dask arrays are replaced, and never written."""
        meta = meta_from_array(x)
        if not isinstance(meta, np.ndarray):
            raise TypeError(f"x must be a Dask array of NumPy arrays, got {x!r}")
        _check_chunk(meta, "x")

    def exports(self, x: Array) -> Iterator[Array]:
        # Not asarray(x): the arrays of Dask's query planning lack __array__.
        values = x.compute()
        _check_chunk(values, "source")
        yield np.asarray(values)

    def copy(self, x: Array, source: Array) -> Array:
        """NumPy's arrays now, since they may be written later, and Dask's chunk by chunk."""
        if isinstance(source, np.ndarray):
            return self.from_host(x, _copied(x.dtype, source))
        _check_chunk(meta_from_array(source), "source")
        return _mapped(partial(_copied, x.dtype), source.rechunk(x.chunks), x.dtype)

    def where_it_lives(self, x: Array, body: Callable[[Array], Array]) -> Array:
        return body(x)

    def generator(self, x: Array, rng: Any) -> np.random.Generator:
        return numpy_generator(rng, "a Dask array")

    def fill(self, x: Array, value: complex) -> Array:
        return da.full(x.shape, value, dtype=x.dtype, chunks=x.chunks)

    def assign(self, x: Array, values: Array) -> Array:
        return values.rechunk(x.chunks).astype(x.dtype)

    def put(self, x: Array, index: tuple[Any, ...], value: complex) -> Array:
        """Chunk by chunk; the slices are whole axes."""
        return _mapped(partial(_put, index, value), x, x.dtype)

    def arange(self, x: Array, count: int) -> Array:
        """For `put`, which takes them on the host."""
        return np.arange(count)

    def host(self, x: Array) -> Host | None:
        return None

    def portable(self, x: Array, draw: Draw) -> Array:
        # Both raise, as each chunk would.
        draw.distribution.limits(draw.dtype)
        count()
        return _made(partial(_box, draw, x.dtype), x.chunks, x.dtype)

    def from_host(self, x: Array, values: Host) -> Array:
        return da.from_array(values, chunks=x.chunks)

    def later(self, x: Array, dtype: str, make: Callable[[], Host]) -> Array:
        return self.assign(x, _made(make, tuple((size,) for size in x.shape), np.dtype(dtype)))


BACKEND = Dask()


def _made(make: Callable[..., Host], chunks: tuple[tuple[int, ...], ...], dtype: Any) -> Array:
    return da.map_blocks(make, chunks=chunks, dtype=dtype, meta=_meta(len(chunks), dtype))


def _mapped(work: Callable[..., Host], x: Array, dtype: Any) -> Array:
    return x.map_blocks(work, dtype=dtype, meta=_meta(x.ndim, dtype))


def _meta(ndim: int, dtype: Any) -> Host:
    """Return what tells Dask of its chunks, which it would otherwise find out by a call."""
    return np.empty((0,) * ndim, dtype)


def _check_chunk(chunk: Array, name: str) -> None:
    """Raise TypeError if the elements of a chunk are more than numbers, which would be lost."""
    if not is_plain(type(chunk)):
        raise TypeError(
            f"{name} is a Dask array with chunks of {qualified(type(chunk))}, whose masks, units or other rules would "
            f"be lost: pass {name}.map_blocks(np.asarray), its numbers alone"
        )


def _copied(dtype: Any, source: Host) -> Host:
    # Dask knows the class of a chunk for certain only when it is made.
    _check_chunk(source, "source")
    copied: Host = HOST.copy(np.empty(source.shape, dtype), source)
    return copied


def _box(draw: Draw, dtype: Any, block_info: Any) -> Host:
    """Return one chunk of the array that ``draw`` describes."""
    location = block_info[None]["array-location"]
    box = np.empty([stop - start for start, stop in location], dtype)
    draw.fill_host(box, [start for start, _ in location])
    return box


def _put(index: tuple[Any, ...], value: complex, block: Host, block_info: Any) -> Host:
    """Return a chunk with ``value`` where ``index``, which is that of the whole array, meets it."""
    location = block_info[None]["array-location"]
    inside: Any = True
    for i, (start, stop) in zip(index, location, strict=True):
        if not isinstance(i, slice):
            inside = inside & (start <= i) & (i < stop)
    block = block.copy()
    block[
        tuple(
            i if isinstance(i, slice) else np.broadcast_to(i - start, np.shape(inside))[inside]
            for i, (start, _) in zip(index, location, strict=True)
        )
    ] = value
    return block
