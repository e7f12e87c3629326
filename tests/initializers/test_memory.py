"""The most memory that a process has when it makes 1/64 of an array of 16 GiB, imports included."""

from __future__ import annotations

from pathlib import Path

import pytest
from processes import run

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")

PEAK = """
from memory import mebibytes
print(values.nbytes >> 20, mebibytes("VmHWM"))
"""

BOX = """
import sys
import numpy as np
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import seed_of

shape, box = ((int(sys.argv[1]), int(sys.argv[2])), (int(sys.argv[3]), int(sys.argv[4])))
values = np.empty(box, np.float32)
corner = [size - length for size, length in zip(shape, box, strict=True)]
Draw(Normal(0.0, 1.0), seed_of(0), FORMATS["float32"], shape, (0, 1)).fill_host(values, corner)
"""

DASK = """
import sys
import dask.array as da
import arrayinit as ai

rows, columns, *chunks = map(int, sys.argv[1:])
w = ai.normal_(da.empty((rows, columns), dtype="float32", chunks=chunks), rng=0)
"""

# What a worker does: unlike compute(), which in Dask copies a single chunk once more, it keeps the chunk itself.
CHUNK = DASK + "values = w.to_delayed()[-1, -1].compute(scheduler='threads')"

STORED = (
    DASK
    + """
import numpy as np

part = w[-rows // 64 :]
values = np.empty(part.shape, part.dtype)
da.store(part, values, lock=False, scheduler='threads')
"""
)

WIDE, TALL = (1 << 16, 1 << 16), (1 << 22, 1 << 10)


@pytest.mark.parametrize(
    ("library", "script", "shape", "box"),
    [
        pytest.param("numpy", BOX, WIDE, (1 << 10, 1 << 16), id="NumPy, rows"),
        pytest.param("numpy", BOX, TALL, (1 << 22, 1 << 4), id="NumPy, columns"),
        pytest.param("dask", CHUNK, WIDE, (1 << 10, 1 << 16), id="Dask, a chunk of rows"),
        pytest.param("dask", CHUNK, TALL, (1 << 22, 1 << 4), id="Dask, a chunk of columns"),
        pytest.param("dask", STORED, WIDE, (1 << 8, 1 << 16), id="Dask, chunks stored in an array"),
    ],
    indirect=["library"],
)
@pytest.mark.usefixtures("library")
def test_a_64th_of_16_gib_takes_less_than_600_mib(script, shape, box):
    size, peak = map(float, run(script + PEAK, *map(str, (*shape, *box)), timeout=300).split())
    assert size == 256
    assert size < peak < 600
