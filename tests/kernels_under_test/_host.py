"""NumPy on the host: at once or in chunks, and as the chunks of Dask."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
from boxes import STORED
from float8 import FLOAT8, decoded, encoded

from arrayinit.kernels import fill as fills
from arrayinit.kernels.draw import Draw
from arrayinit.stream import extension
from kernels_under_test.kernel import Kernel

# What Dask has; the chunks of other libraries may be bfloat16.
_OF_NUMPY = ("float16", "float32", "float64", "complex64", "complex128")


def _at_once(draw: Draw, x: np.ndarray, corner: list[int]) -> None:
    is_whole = x.shape == tuple(draw.shape[k] for k in draw.inverse)
    draw.fill_host(x, None if is_whole else corner)


def _by_numpy(draw: Draw, x: np.ndarray, corner: list[int]) -> None:
    with patch.object(extension, "core", lambda: None):
        _at_once(draw, x, corner)


def _in_chunks(draw: Draw, x: np.ndarray, corner: list[int]) -> None:
    times = np.zeros(x.shape, int)
    for index, chunk in draw.chunks(x.shape, draw.dtype.name, corner):
        assert chunk.dtype == ("float32" if draw.dtype.name in STORED else draw.dtype.name)
        assert chunk.size <= max(fills.UPLOAD, draw.shape[0] if draw.zeros else 0)
        if draw.dtype.name in FLOAT8:
            x[index] = encoded(chunk, draw.dtype.name)
            np.testing.assert_array_equal(decoded(x[index], draw.dtype.name), chunk)
        elif draw.dtype.name == "bfloat16":
            bits = chunk.copy().view(np.uint32)
            assert not (bits & 0xFFFF).any()
            x[index] = bits >> 16
        else:
            x[index] = chunk
        times[index] += 1
    assert (times == 1).all()


def _as_a_chunk_of_dask(draw: Draw, x: np.ndarray, corner: list[int]) -> None:
    import dask.array as da

    from arrayinit.backends._dask import BACKEND

    chunks, place = [], []
    for whole, first, size in zip((draw.shape[k] for k in draw.inverse), corner, x.shape, strict=True):
        sides = [first, size, whole - first - size]
        place.append(0 if first == 0 else 1)
        chunks.append(tuple(side for i, side in enumerate(sides) if side or i == 1))
    array = da.empty(tuple(map(sum, chunks)), dtype=x.dtype, chunks=tuple(chunks))
    filled = BACKEND.write(array, draw)
    x[...] = (filled.blocks[tuple(place)] if place else filled).compute(scheduler="synchronous")


_THREADS: dict[str, tuple[Any, ...]] = {
    "arrayinit.kernels.draw.CHUNK": (1 << 17, 7, 1),
    "arrayinit.kernels.words._LONG": (32, 4, 1),
    "arrayinit.kernels.words._DENSE": (4, 0),
    "ARRAYINIT_NUM_THREADS": ("1", "3"),
}
KERNELS = {
    "host": Kernel("numpy", _at_once, "far boxes", 300, _THREADS, has_negative_strides=True),
    "host, by NumPy": Kernel("numpy", _by_numpy, "far boxes", 300, _THREADS, has_negative_strides=True),
    "host, in chunks": Kernel(
        "numpy",
        _in_chunks,
        "far boxes",
        150,
        {"arrayinit.kernels.fill.UPLOAD": (1 << 20, 1000, 100, 10, 1)},
        has_negative_strides=True,
    ),
    "host, by Dask": Kernel("dask", _as_a_chunk_of_dask, "far boxes", 60, dtypes=_OF_NUMPY),
}
