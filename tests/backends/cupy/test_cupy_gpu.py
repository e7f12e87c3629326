"""CuPy's streams and devices, on a GPU; `test_cupy.py` does without one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import DRAWS
from libraries import Library
from portable_calls import reference, same_bits

import arrayinit
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels import draw as draws
from arrayinit.stream.seed import Seed

pytestmark = pytest.mark.parametrize("library", ["cupy"], indirect=True)

# Keeps a stream busy for this many cycles of its clock.
BUSY = """
extern "C" __global__ void busy(long long cycles) {
    for (long long start = clock64(); clock64() - start < cycles;) {}
}
"""


@pytest.mark.parametrize("name", ["normal_", "trunc_normal_(a=2.0, b=3.0)", "sparse_"])
def test_the_host_waits_for_nothing(name: str, library: Library) -> None:
    import cupy

    draw, busy = DRAWS[name], cupy.RawKernel(BUSY, "busy")
    with cupy.cuda.Stream(non_blocking=True) as stream:
        x = library.empty(draw.shape, "float32")
        # What is to be compiled, or to be allocated, is.
        draw.fill(x, 1)
        busy((1,), (1,), (np.int64(1),))
        stream.synchronize()
        busy((1,), (1,), (np.int64(2_000_000_000),))
        draw.fill(x, 5)
        assert not stream.done
        stream.synchronize()
        same_bits(library.to_numpy(x), reference(draw, "float32"), "float32")


def test_each_device_has_its_own_kernels(library: Library) -> None:
    import cupy

    if cupy.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("there is one GPU")
    draw = DRAWS["normal_"]
    for number in (1, 0, 1):
        with cupy.cuda.Device(number):
            x = library.empty(draw.shape, "float32")
        with cupy.cuda.Device(1 - number):
            draw.fill(x)
        assert x.device.id == number
        same_bits(library.to_numpy(x), reference(draw, "float32"), "float32")


def _end(size: int, dtype: str) -> np.ndarray[Any, Any]:
    """Return the last thousand normals of an array of this size."""
    box = np.empty(1000, dtype)
    draws.Draw(Normal(0.0, 1.0), Seed((5,)), FORMATS[dtype], (size,), (0,)).fill_box(box, [size - 1000])
    return box


def test_more_elements_than_32_bits_count(library: Library) -> None:
    import cupy

    size = 2**32 + 1003
    if cupy.cuda.runtime.memGetInfo()[0] < 3 * size:
        pytest.skip("the GPU has no room for 9 GB")
    x = arrayinit.normal_(cupy.empty(size, "float16"), rng=5)
    same_bits(cupy.asnumpy(x[-1000:]), _end(size, "float16"), "float16")
