"""The instructions that the kernels build on: the reciprocal's error, each root, and each quotient of each fraction."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

import numpy as np
from fractions_of_stream import FRACTIONS, bits_of_range

from arrayinit.kernels.cuda import THREADS
from arrayinit.kernels.cuda_program import factor
from arrayinit.kernels.cuda_text import ARITHMETIC, COMMON
from first_day.device import Device
from first_day.report import FIGURE, Row, judged
from first_day.steps import Size

_KERNEL = """
struct Keys { Index first, step, count; };
struct Box { float w, near; };
struct Numbers { float none; };
extern "C" __global__ void draw(
    char* out,
    const __grid_constant__ Keys keys,
    const __grid_constant__ Box box,
    const __grid_constant__ Numbers numbers
) {
    Index k = (Index) blockIdx.x * %d + threadIdx.x;
    float x = float32((int) (keys.first + k * keys.step));
    if (k < keys.count) ((float*) out)[k] = %s;
}
"""
_KEYS, _BOX, _NUMBERS = Struct("3Q"), Struct("2f"), bytes(4)
_ONE = int(np.float32(1).view(np.uint32))


def source(expression: str) -> str:
    """Return a kernel that computes an expression of x, whose bits run from ``first`` in steps."""
    return ARITHMETIC + COMMON + _KERNEL % (THREADS, expression)


RECIPROCAL, ROOT = source("reciprocal(x)"), source("sqrt_(x)")
QUOTIENT = source("fraction_(box.w, box.near, x)")


def measure(size: Size) -> Iterator[Row]:
    device = Device()
    memory = device.attribute("MEMORY_CLOCK_RATE"), device.attribute("GLOBAL_MEMORY_BUS_WIDTH")
    version = ".".join(map(str, device.capability))
    yield Row(
        "arithmetic",
        "the GPU",
        f"{device.name}, {device.multiprocessors} multiprocessors, compute capability {version}, memory "
        f"{memory[0] / 1e6:.3g} GHz x {memory[1]} bits",
        outcome=FIGURE,
    )
    yield _reciprocal(device, size)
    yield _roots(device, size)
    for w in FRACTIONS:
        yield _quotients(device, w, size.stride)


def _reciprocal(device: Device, size: Size) -> Row:
    x = _operands(_ONE, 1, size.binade)
    made, exact = _computed(device, RECIPROCAL, _ONE, 1, size.binade), 1.0 / x.astype(np.float64)
    nearest = exact.astype(np.float32)
    distance = np.abs(made.view(np.int32).astype(np.int64) - nearest.view(np.int32)).max()
    # As PTX states its bound: from the exact number, in units of the last place of the nearest.
    error = (np.abs(made - exact) / np.spacing(nearest)).max()
    value = f"{distance} ulp from the nearest, {error:.3f} ulp from the exact"
    return judged("arithmetic", f"rcp.approx.ftz.f32, {len(x)} numbers", value, "at most 1 ulp", right=error <= 1)


def _roots(device: Device, size: Size) -> Row:
    # Two binades, whose roots are those of all others.
    count = 2 * size.binade
    wrong = _wrong(np.sqrt(_operands(_ONE, 1, count)), _computed(device, ROOT, _ONE, 1, count))
    return judged("arithmetic", f"sqrt.rn.f32, {count} numbers", f"{wrong} wrong", "0", right=wrong == 0)


def _quotients(device: Device, w: float, stride: int) -> Row:
    first, last = bits_of_range(w)
    count = (last - first) // stride + 1
    made = _computed(device, QUOTIENT, first, stride, count, w)
    wrong = _wrong(np.float32(w) / _operands(first, stride, count), made)
    return judged("arithmetic", f"{w:.8g} / x, {count} quotients", f"{wrong} wrong", "0", right=wrong == 0)


def _operands(first: int, step: int, count: int) -> np.ndarray:
    return np.arange(first, first + step * count, step, np.uint32).view(np.float32)


def _computed(device: Device, text: str, first: int, step: int, count: int, w: float = 0.0) -> np.ndarray:
    with device.memory(4 * count) as out:
        keys = _KEYS.pack(first, step, count)
        device.launch(device.function(text), -(-count // THREADS), out, keys, _BOX.pack(w, factor(w)), _NUMBERS)
        return device.read(out, count, np.float32)


def _wrong(expected: np.ndarray, made: np.ndarray) -> int:
    return int(np.count_nonzero(expected.view(np.uint32) != made.view(np.uint32)))
