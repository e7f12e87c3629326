"""CUDA's kernels without a GPU: their source, but for the arithmetic, as C++ that the host runs.

The threads of a block are fibres: each runs up to a barrier, and another then does.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from itertools import starmap
from pathlib import Path
from struct import pack
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from programs import CASES

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.cuda import LaunchArgs, pack_key, source
from arrayinit.kernels.cuda_steps import cuda_steps
from arrayinit.kernels.cuda_text import ARITHMETIC, COMMON
from arrayinit.stream.program import KEYS_PROGRAM, Recorded
from arrayinit.stream.seed import Key

# What CUDA has and C++ has not, and IEEE 754's operations as the host has them.
SHIMS = r"""
#include <cmath>
#include <cstring>
#define __device__
#define __global__
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)
#define __shared__ static
struct alignas(16) uint4 { unsigned int x, y, z, w; };
struct alignas(8) uint2 { unsigned int x, y; };
struct { unsigned int x; } blockIdx, threadIdx;
template <class To, class From> To bits(From x) { To y; std::memcpy(&y, &x, sizeof(y)); return y; }
int __float_as_int(float x) { return bits<int>(x); }
float __int_as_float(int x) { return bits<float>(x); }
long long __double_as_longlong(double x) { return bits<long long>(x); }
double __longlong_as_double(long long x) { return bits<double>(x); }
unsigned long long __umul64hi(unsigned long long x, unsigned long long y) { return (unsigned __int128) x * y >> 64; }
template <class T> T multiply_(T x, T y) { return x * y; }
template <class T> T divide_(T x, T y) { return x / y; }
template <class T> T fma_(T x, T y, T z) { return std::fma(x, y, z); }
template <class T> T sqrt_(T x) { return std::sqrt(x); }
float negative_(float x) { return -x; }
int exponent_(int x) { return 127 - (x >> 23); }
typedef char* Place;
Place place(void* memory) { return (Place) memory; }
template <int offset, class T> void put(Place at, T x) { std::memcpy(at + offset, &x, sizeof(x)); }
template <int offset, class T> void take(Place at, T& x) { std::memcpy(&x, at + offset, sizeof(x)); }
template <class T> void take_back(bool is_queued, Place& at, T& x) { if (is_queued) take<0>(at -= sizeof(x), x); }
void count(bool is_one_more, unsigned int& total) { total += is_one_more; }
template <int offset> unsigned int increase(Place at, unsigned int x) {
    unsigned int before;
    take<offset>(at, before), put<offset>(at, before + x);
    return before;
}
unsigned int float16(float x) {
    unsigned int b = bits<unsigned int>(x), sign = b >> 16 & 0x8000, size = b & 0x7fffffff;
    // Where the last bit of what is added is worth as much as that of the smallest numbers.
    if (size < 0x38800000) return sign | (bits<unsigned int>(std::fabs(x) + 0.5f) - 0x3f000000);
    unsigned int rounded = (size + 0xfff + (size >> 13 & 1) - 0x38000000) >> 13;
    return sign | (rounded < 0x7c00 ? rounded : 0x7c00);
}
unsigned int float16_pair(float x, float y) { return float16(x) | float16(y) << 16; }

// Store numbers within one unit in the last place of 1 / x, and return how many there are.
int near_reciprocals(float x, float* stored) {
    float nearest = 1 / x;
    double last = std::ldexp(1.0, int(bits<unsigned int>(nearest) >> 23 & 0xff) - 150);
    int count = 0;
    for (int k = -1; k <= 1; k++) {
        float near = bits<float>(bits<int>(nearest) + k);
        if (std::fabs(near - 1 / double(x)) <= last) stored[count++] = near;
    }
    return count;
}
"""

FIBRES = r"""
#include <functional>
#include <ucontext.h>

long long clock64() {
    static long long ticks;
    return ticks += 1000;
}

// What a test adds to reciprocals, in units in the last place.
extern "C" int units_off = 0;

// Any number that PTX allows.
float reciprocal(float x) {
    static unsigned int drawn = 1;
    float near[3];
    int count = near_reciprocals(x, near);
    drawn = drawn * 1664525 + 1013904223;
    return bits<float>(bits<int>(count ? near[(drawn >> 16) % count] : 1 / x) + units_off);
}

const int THREADS = 256;
ucontext_t host, fibres[THREADS];
char stacks[THREADS][1 << 16];
bool has_ended[THREADS];
std::function<void()> kernel;
void __syncthreads() { swapcontext(&fibres[threadIdx.x], &host); }
void fibre() { kernel(), has_ended[threadIdx.x] = true; }

// Run the threads of a block, from the last to the first or from the first to the last up to each barrier. Return false
// if some wait at a barrier, and another has ended.
bool run_block() {
    for (int k = 0; k < THREADS; k++) {
        has_ended[k] = false, getcontext(&fibres[k]);
        fibres[k].uc_link = &host, fibres[k].uc_stack.ss_sp = stacks[k], fibres[k].uc_stack.ss_size = sizeof(stacks[k]);
        makecontext(&fibres[k], fibre, 0);
    }
    for (bool is_forwards = false;; is_forwards = !is_forwards) {
        int ended = 0;
        for (int k = 0; k < THREADS; k++) {
            threadIdx.x = is_forwards ? k : THREADS - 1 - k;
            swapcontext(&host, &fibres[threadIdx.x]), ended += has_ended[threadIdx.x];
        }
        if (ended) return ended == THREADS;
    }
}
"""

RUN = """
namespace k{n} {{
{source}
extern "C" bool run_{n}(unsigned int grid, void** given) {{
    char* out = *(char**) given[0];
    const Keys& keys = *(Keys*) given[1];
    const Box& box = *(Box*) given[2];
    const Numbers& numbers = *(Numbers*) given[3];
    kernel = [&] {{ draw_{n}(out, keys, box, numbers); }};
    for (blockIdx.x = 0; blockIdx.x < grid; blockIdx.x++)
        if (!run_block()) return false;
    return true;
}}
}}
"""

OPTIONS = ("-O0", "-ffp-contract=off", "-fno-strict-aliasing", "-w", "-shared", "-fPIC", "-std=c++17")


class Kernels:
    """Kernels with these sources, compiled at once."""

    def __init__(self, sources: Iterable[str]) -> None:
        if not shutil.which("g++"):
            pytest.skip("there is no g++ to compile for the host")
        if sys.platform != "linux":
            pytest.skip("the threads of a block are fibres of Linux")
        self.places = {source: n for n, source in enumerate(dict.fromkeys(sources))}
        with TemporaryDirectory() as folder:
            Path(folder, "kernels.cpp").write_text(
                "".join([SHIMS, FIBRES, COMMON, *starmap(_runnable, self.places.items())])
            )
            subprocess.run(["g++", *OPTIONS, "kernels.cpp", "-o", "kernels.so"], cwd=folder, check=True)
            self.library = ctypes.CDLL(f"{folder}/kernels.so")

    def run(self, source: str, out: np.ndarray[Any, Any], key: Key, launch: LaunchArgs) -> None:
        """Do what a GPU does with a kernel."""
        given = (pack("P", out.ctypes.data), pack_key(key), launch.box, launch.numbers)
        self.launch(source, launch.grid, (ctypes.c_char_p * 4)(*given))

    def launch(self, source: str, grid: int, arguments: Any) -> None:
        """Do the same; ``arguments`` are the addresses of what the kernel takes."""
        run = getattr(self.library, f"run_{self.places[source]}")
        run.restype = ctypes.c_bool
        assert run(ctypes.c_uint(grid), arguments), "a thread has ended, and others wait for it at a barrier"


def _runnable(source: str, n: int) -> str:
    return RUN.format(n=n, source=numbered(source, n))


def numbered(source: str, n: int) -> str:
    """Return what is a kernel's own, so that it can stand beside others."""
    return source.removeprefix(ARITHMETIC + COMMON).replace(" draw(", f" draw_{n}(")


KEYS = Recorded(KEYS_PROGRAM, ())
"""The words of the stream of keys."""

SOURCES = [source(cuda_steps(distribution, FORMATS[dtype]).program, dtype) for _, distribution, dtype in CASES]
SOURCES.append(source(KEYS.program, "uint32"))


@cache
def kernels() -> Kernels:
    """Return all kernels that there are."""
    return Kernels(SOURCES)
