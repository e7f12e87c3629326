"""cubed: lazy arrays. Each task generates one chunk from a seed, within the memory that the spec allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import cubed
import numpy as np
from cubed.backend_array_api import numpy_array_to_backend_array as as_block

from arrayinit.backends import Array, Device, Fill, Table
from arrayinit.backends._numpy import BACKEND as HOST
from arrayinit.backends.computed import Computed
from arrayinit.backends.lazy import Lazy
from arrayinit.kernels.pieces import Pieces


class Cubed(Lazy):
    """Adapter for the arrays of cubed. A new array has the chunks and the spec of the old one."""

    arrays = "a cubed array"

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, cubed.Array)

    def devices(self) -> Iterator[Device]:
        empty = partial(cubed.empty, dtype=np.float32)
        yield Device("cubed", cubed.__version__, "cpu", empty, cubed.Array.compute, np.asarray)

    def namespace(self, x: Array) -> Any:
        return cubed

    def dtype(self, x: Array) -> str:
        return HOST.dtype(x)

    def read(self, x: Array) -> Iterator[Array]:
        yield np.asarray(x)

    def write(self, x: Array, fill: Fill) -> Array:
        if isinstance(fill, Table) and isinstance(fill.values, cubed.Array):
            return _converted(x, fill.values)
        if isinstance(fill, Computed) and fill.is_repeatable and 0 not in x.shape:
            made = _made(lambda _: as_block(fill.on_host()), x, np.dtype(fill.dtype.compute), [(n,) for n in x.shape])
            return _converted(x, made)
        if isinstance(fill, Table) or not fill.is_by_box:
            host = np.empty(x.shape, x.dtype)
            fill.fill_host(host)
            return cubed.from_array(host, x.chunksize, spec=x.spec)
        self.check_draws(fill)
        return _made(partial(_box, fill, x.chunksize), x, x.dtype, x.chunks)

    def kept(self, x: Array, fill: Pieces) -> Array:
        mask = _made(partial(_box, fill.marks(), x.chunksize), x, np.dtype(bool), x.chunks)
        return cubed.where(mask, x, self.write(x, fill.with_zeros()))


BACKEND = Cubed()


def _made(task: Callable[..., Any], x: Array, dtype: Any, chunks: Sequence[tuple[int, ...]]) -> Array:
    return cubed.map_blocks(task, dtype=dtype, chunks=tuple(chunks), spec=x.spec)


def _converted(x: Array, values: Array) -> Array:
    """Return lazy values with the dtype and the chunks of ``x``, each rounded once."""
    return cubed.map_blocks(partial(_chunk, x.dtype), cubed.rechunk(values, x.chunksize), dtype=x.dtype)


def _box(fill: Fill, sizes: tuple[int, ...], block: Any, block_id: tuple[int, ...] | None = None) -> Any:
    box = np.empty(block.shape, block.dtype)
    fill.fill_host(box, [number * size for number, size in zip(block_id or (), sizes, strict=True)])
    return as_block(box)


def _chunk(dtype: Any, block: Any) -> Any:
    chunk = np.empty(block.shape, dtype)
    Table(np.asarray(block)).fill_host(chunk)
    return as_block(chunk)
