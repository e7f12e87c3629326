"""What the kernels take of a multiprocessor, and what its pipes give."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from struct import Struct

import numpy as np
from programs import CASES

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels import _nvrtc
from arrayinit.kernels.cuda import THREADS, source
from arrayinit.kernels.cuda_steps import cuda_steps
from arrayinit.kernels.cuda_text import ARITHMETIC, COMMON
from first_day.device import Device
from first_day.report import Row, bounded
from first_day.steps import Size

WARP = 32

# Of 64 on most multiprocessors: what 40 registers of a thread leave room for.
LEAST_WARPS = 48

# Operations in one trip of the loop of a thread: eight that do not wait for each other, sixteen times.
_CHAINS, _TIMES = 8, 16

_LOOP = """
struct Keys { Index loops; };
struct Box { int none; };
struct Numbers { float x, y; };
struct Result { long long ticks, kept; };
__device__ __forceinline__ Index multiply_wide(Index x) {
    // From the C++ compilers make a sum, too.
    #ifdef __CUDA_ARCH__
    Index z;
    asm("mul.wide.u32 %0, %1, %2;" : "=l"(z) : "r"((unsigned int) x), "r"((unsigned int) (x >> 32)));
    return z;
    #else
    return (Index) (unsigned int) x * (unsigned int) (x >> 32);
    #endif
}
extern "C" __global__ void draw(
    char* out,
    const __grid_constant__ Keys keys,
    const __grid_constant__ Box box,
    const __grid_constant__ Numbers numbers
) {
    TYPE a[CHAINS];
    #pragma unroll
    for (int k = 0; k < CHAINS; k++) a[k] = (TYPE) (threadIdx.x + 2 * k + 1) * (TYPE) 0x9e3779b97f4a7c15ull;
    long long start = clock64();
    #pragma unroll 1
    for (Index n = 0; n < keys.loops; n++) {
        #pragma unroll
        for (int m = 0; m < TIMES; m++) {
            #pragma unroll
            for (int k = 0; k < CHAINS; k++) a[k] = OPERATION;
        }
    }
    Result made = {clock64() - start, 0};
    // Without a use, compilers drop the loop.
    #pragma unroll
    for (int k = 0; k < CHAINS; k++) made.kept ^= (long long) a[k];
    ((Result*) out)[(Index) blockIdx.x * THREADS + threadIdx.x] = made;
}
"""
_KEYS, _BOX, _NUMBERS = Struct("Q"), bytes(4), Struct("2f")
_RESULT = np.dtype([("ticks", np.int64), ("kept", np.int64)])


def loop(type_: str, operation: str) -> str:
    """Return a kernel that does one operation again and again."""
    text = _LOOP
    words = {"CHAINS": _CHAINS, "TIMES": _TIMES, "THREADS": THREADS, "TYPE": type_, "OPERATION": operation}
    for word, value in words.items():
        text = text.replace(word, str(value))
    return ARITHMETIC + COMMON + text


PIPES = {
    # It takes all bits of the product before, so that no product is made narrower.
    "IMAD.WIDE": loop("Index", "multiply_wide(a[k])"),
    # Of the reciprocal of a reciprocal compilers make nothing. A sum is eight times as fast.
    "MUFU.RCP": loop("float", "add_(reciprocal(a[k]), numbers.x)"),
    "FFMA": loop("float", "fma_(a[k], numbers.x, numbers.y)"),
}


def kernels(size: Size) -> Iterator[Row]:
    """Yield a row for each dtype: registers, warps and local memory of its kernels."""
    device = Device()
    texts: dict[str, dict[str, str]] = {"float32": {}}
    for name, distribution, dtype in CASES:
        if not size.laws or name in size.laws:
            text = source(cuda_steps(distribution, FORMATS[dtype]).program, dtype)
            texts.setdefault(dtype, {}).setdefault(text, name)
    # Compiled at once: each takes some tenths of a second.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(
            pool.map(lambda text: _nvrtc.compiled(text, device.architecture), {t for of in texts.values() for t in of})
        )
    for dtype, of in texts.items():
        functions = {name: device.function(text) for text, name in of.items()}
        registers, local, blocks = (
            [int(measure(function)) for function in functions.values()]
            for measure in (
                lambda function: device.of_function("NUM_REGS", function),
                lambda function: device.of_function("LOCAL_SIZE_BYTES", function),
                device.blocks,
            )
        )
        warps = min(blocks) * THREADS // WARP
        value = f"{_range(registers)} registers, {warps} warps a multiprocessor, {_range(local)} bytes of local memory"
        what = f"{len(functions)} kernels, {dtype}"
        if FORMATS[dtype].word == "uint32":
            yield bounded("kernels", what, value, f"{LEAST_WARPS} warps", met=warps >= LEAST_WARPS)
        else:
            yield Row("kernels", what, value)


def _range(values: list[int]) -> str:
    return f"{min(values)} to {max(values)}" if min(values) < max(values) else f"{values[0]}"


def rates(size: Size) -> Iterator[Row]:
    """Yield a row for each pipe: operations of a multiprocessor in a cycle of its clock."""
    device = Device()
    structs = _BOX, _NUMBERS.pack(0.999, 0.001)
    for name, text in PIPES.items():
        function = device.function(text)
        # As many as run at once.
        blocks = device.blocks(function)
        grid = blocks * device.multiprocessors
        with device.memory(grid * THREADS * _RESULT.itemsize) as out:
            # The first launch lets the clock rise.
            for loops in (size.loops, size.loops):
                took = device.launch(function, grid, out, _KEYS.pack(loops), *structs)
            ticks = int(device.read(out, grid * THREADS, _RESULT)["ticks"].max())
        done = THREADS * blocks * size.loops * _CHAINS * _TIMES
        total = done * device.multiprocessors
        value = f"{done / ticks:.1f} a cycle, {total / took / 1e6:.0f} G/s, {ticks / took / 1e6:.2f} GHz"
        yield Row("rates", f"{name} of a multiprocessor", value)
