"""Dask: lazy arrays. Each method returns a new array, and each chunk is generated from a seed on demand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import array_api_compat.dask.array as xp
import dask.array as da
import numpy as np
from dask.array.utils import meta_from_array
from dask.base import normalize_token

from arrayinit.backends._numpy import BACKEND as HOST
from arrayinit.backends.arguments import is_plain, qualified
from arrayinit.backends.computed import Computed
from arrayinit.backends.device import Device
from arrayinit.backends.lazy import Lazy
from arrayinit.backends.protocol import Array
from arrayinit.kernels.fill import Fill
from arrayinit.kernels.pieces import Pieces
from arrayinit.kernels.table import Table
from arrayinit.stream.seed import Seed

Host = np.ndarray[Any, Any]


class Dask(Lazy):
    """Adapter for `dask.array.Array`."""

    arrays = "a Dask array"

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, da.Array)

    def devices(self) -> Iterator[Device]:
        import dask
        import dask.array as da

        empty = partial(da.empty, dtype=np.float32)
        yield Device("dask", dask.__version__, "cpu", empty, lambda x: x.compute(), np.asarray)

    def namespace(self, x: Array) -> Any:
        return xp

    def dtype(self, x: Array) -> str:
        # The dtype is read before the sizes, so the sizes are checked here.
        if any(math.isnan(size) for size in x.shape):
            raise ValueError(f"x of shape {x.shape} has chunks of unknown size; call x.compute_chunk_sizes() first")
        return HOST.dtype(x)

    def check_writable(self, x: Array) -> None:
        """Dask arrays are replaced, never written; check their chunks."""
        meta = meta_from_array(x)
        if not isinstance(meta, np.ndarray):
            raise TypeError(f"x must be a Dask array of NumPy arrays, got {x!r}")
        _check_chunk(meta, "x")

    def read(self, x: Array) -> Iterator[Array]:
        # np.asarray(x) would fail: arrays of Dask's query planning lack __array__.
        values = x.compute()
        _check_chunk(values, "source")
        yield np.asarray(values)

    def write(self, x: Array, fill: Fill) -> Array:
        if isinstance(fill, Table):
            return _copy(x, fill.values)
        if isinstance(fill, Computed):
            return _computed(x, fill)
        if isinstance(fill, Pieces):
            join = da.stack if fill.cut.is_stacked else da.concatenate
            return join([self.write(x[place], piece) for place, piece in fill.placed()], fill.cut.axis).rechunk(
                x.chunks
            )
        self.check_draws(fill)
        return _made(partial(_box, fill, x.dtype), x.chunks, x.dtype)

    def kept(self, x: Array, fill: Pieces) -> Array:
        return da.where(fill.kept(x.shape), x, self.write(x, fill.with_zeros())).rechunk(x.chunks)


BACKEND = Dask()


def _token(seed: Seed) -> tuple[Any, ...]:
    """Return what names a seed in a graph. Python prints no decimal number of more than a few thousand digits."""
    return "arrayinit.Seed", [f"{n:x}" for n in seed.entropy], [f"{n:x}" for n in seed.spawn_key], seed.pool_size


normalize_token.register(Seed, _token)


def _made(make: Callable[..., Host], chunks: tuple[tuple[int, ...], ...], dtype: Any) -> Array:
    return da.map_blocks(make, chunks=chunks, dtype=dtype, meta=_meta(len(chunks), dtype))


def _meta(ndim: int, dtype: Any) -> Host:
    """Return an empty chunk that tells Dask the type of chunks; Dask would otherwise call the function to learn it."""
    return np.empty((0,) * ndim, dtype)


def _copy(x: Array, source: Array) -> Array:
    """Copy NumPy arrays now, since they may be written later. Copy Dask arrays chunk by chunk."""
    if isinstance(source, np.ndarray):
        return da.from_array(_copied(x.dtype, source), chunks=x.chunks)
    _check_chunk(meta_from_array(source), "source")
    work = partial(_copied, x.dtype)
    return source.rechunk(x.chunks).map_blocks(work, dtype=x.dtype, meta=_meta(x.ndim, x.dtype))


def _computed(x: Array, fill: Computed) -> Array:
    """Compute the whole array as one lazy task, or now if a generator could advance before then."""
    if fill.is_repeatable:
        values = _made(fill.on_host, tuple((size,) for size in x.shape), np.dtype(fill.dtype.compute))
    else:
        values = da.from_array(fill.on_host(), chunks=x.chunks)
    return values.rechunk(x.chunks).astype(x.dtype)


def _check_chunk(chunk: Array, name: str) -> None:
    """Raise TypeError if a chunk has masks, units or other rules, which would be lost."""
    if not is_plain(type(chunk)):
        raise TypeError(
            f"{name} is a Dask array with chunks of {qualified(type(chunk))}, whose masks, units or other rules would "
            f"be lost: pass {name}.map_blocks(np.asarray), its numbers alone"
        )


def _copied(dtype: Any, source: Host) -> Host:
    # Only a computed chunk shows its class for certain.
    _check_chunk(source, "source")
    copied: Host = np.empty(source.shape, dtype)
    Table(source).fill_host(copied)
    return copied


def _box(fill: Fill, dtype: Any, block_info: Any) -> Host:
    """Return one chunk of the filled array."""
    location = block_info[None]["array-location"]
    box = np.empty([stop - start for start, stop in location], dtype)
    fill.fill_host(box, [start for start, _ in location])
    return box
