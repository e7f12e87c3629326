"""CUDA's kernels without a GPU: their source, but for the arithmetic, as C++ that the host runs, thread by thread."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
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
from arrayinit.kernels.cuda import THREADS, LaunchArgs, pack_key, source
from arrayinit.kernels.cuda_text import ARITHMETIC, COMMON
from arrayinit.stream.program import KEYS_PROGRAM, Recorded, recorded
from arrayinit.stream.seed import Key

# What CUDA has and C++ has not, and IEEE 754's operations as the host has them.
SHIMS = r"""
#include <cmath>
#include <cstring>
#define __device__
#define __global__
#define __forceinline__ inline
#define __grid_constant__
struct alignas(16) uint4 { unsigned int x, y, z, w; };
struct alignas(8) uint2 { unsigned int x, y; };
struct { unsigned int x; } blockIdx, threadIdx, blockDim;
template <class To, class From> To bits(From x) { To y; std::memcpy(&y, &x, sizeof(y)); return y; }
int __float_as_int(float x) { return bits<int>(x); }
float __int_as_float(int x) { return bits<float>(x); }
long long __double_as_longlong(double x) { return bits<long long>(x); }
double __longlong_as_double(long long x) { return bits<double>(x); }
int __ffs(int x) { return __builtin_ffs(x); }
unsigned long long __umul64hi(unsigned long long x, unsigned long long y) { return (unsigned __int128) x * y >> 64; }
template <class T> T multiply_(T x, T y) { return x * y; }
template <class T> T divide_(T x, T y) { return x / y; }
template <class T> T sqrt_(T x) { return std::sqrt(x); }
unsigned short float16(float x) {
    unsigned int b = bits<unsigned int>(x), sign = b >> 16 & 0x8000, size = b & 0x7fffffff;
    // Where the last bit of what is added is worth as much as that of the smallest numbers.
    if (size < 0x38800000) return sign | (bits<unsigned int>(std::fabs(x) + 0.5f) - 0x3f000000);
    unsigned int rounded = (size + 0xfff + (size >> 13 & 1) - 0x38000000) >> 13;
    return sign | (rounded < 0x7c00 ? rounded : 0x7c00);
}
"""

RUN = """
namespace k{n} {{
{source}
extern "C" void run_{n}(unsigned int grid, unsigned int threads, void** given) {{
    char* out = *(char**) given[0];
    const Keys& keys = *(Keys*) given[1];
    const Box& box = *(Box*) given[2];
    const Numbers& numbers = *(Numbers*) given[3];
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < grid; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++) draw_{n}(out, keys, box, numbers);
}}
}}
"""

OPTIONS = ("-O0", "-ffp-contract=off", "-fno-strict-aliasing", "-w", "-shared", "-fPIC", "-std=c++17")


class Kernels:
    """Kernels with these sources, compiled at once."""

    def __init__(self, sources: Iterable[str]) -> None:
        if not shutil.which("g++"):
            pytest.skip("there is no g++ to compile for the host")
        self.places = {source: n for n, source in enumerate(dict.fromkeys(sources))}
        with TemporaryDirectory() as folder:
            Path(folder, "kernels.cpp").write_text("".join([SHIMS, COMMON, *starmap(_runnable, self.places.items())]))
            subprocess.run(["g++", *OPTIONS, "kernels.cpp", "-o", "kernels.so"], cwd=folder, check=True)
            self.library = ctypes.CDLL(f"{folder}/kernels.so")

    def run(self, source: str, out: np.ndarray[Any, Any], key: Key, launch: LaunchArgs) -> None:
        """Do what a GPU does with a kernel."""
        given = (pack("P", out.ctypes.data), pack_key(key), launch.box, launch.numbers)
        self.launch(source, launch.grid, (ctypes.c_char_p * 4)(*given))

    def launch(self, source: str, grid: int, arguments: Any) -> None:
        """Do the same; ``arguments`` are the addresses of what the kernel takes."""
        getattr(self.library, f"run_{self.places[source]}")(ctypes.c_uint(grid), ctypes.c_uint(THREADS), arguments)


def _runnable(source: str, n: int) -> str:
    return RUN.format(n=n, source=numbered(source, n))


def numbered(source: str, n: int) -> str:
    """Return what is a kernel's own, so that it can stand beside others."""
    return source.removeprefix(ARITHMETIC + COMMON).replace("void draw(", f"void draw_{n}(")


KEYS = Recorded(KEYS_PROGRAM, ())
"""The words of the stream of keys."""

SOURCES = [source(recorded(distribution, FORMATS[dtype]).program, dtype) for _, distribution, dtype in CASES]
SOURCES.append(source(KEYS.program, "uint32"))


@cache
def kernels() -> Kernels:
    """Return all kernels that there are."""
    return Kernels(SOURCES)
