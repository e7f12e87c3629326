"""The machine code that NVRTC makes of the CUDA kernels for other GPUs than Hopper: the host's bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import pack

import machine_code
import numpy as np
import pytest
from machine_code import case, check
from programs import REAL
from sass import Grid, Kernel, Machine
from sass.traced import Traced

from arrayinit.core.distributions import Normal, TruncatedComplexNormal, TruncatedNormal, Uniform
from arrayinit.kernels.cuda import THREADS

pytestmark = pytest.mark.usefixtures("numpy_library")

# Turing, Ampere, Ada, Blackwell in servers, Blackwell elsewhere.
ARCHITECTURES = (75, 80, 89, 100, 120)

NORMAL, TRUNCATED = Normal(0.0, 0.02), TruncatedNormal(0.0, 1.0, -2.0, 2.0)
# With each: whether what is inexact has to stay within the chains that are known to be exact.
DRAWS = (
    (NORMAL, "float32", True),
    (TRUNCATED, "float32", True),
    (Uniform(-0.3, 0.3), "float32", False),
    (REAL["tail"], "float32", False),
    (REAL["extreme"], "float32", False),
    *((NORMAL, dtype, False) for dtype in ("bfloat16", "float16", "float8_e5m2", "float64", "complex64")),
    # Turing and Ampere scale addresses in this queue.
    (TruncatedComplexNormal(0.7), "complex64", False),
)

# What a thread computes of an integer of 64 bits and of the threads in a block, in C++ and in Python.
EXPRESSIONS: Mapping[str, Callable[[int, int], int]] = {
    "all[threadIdx.x ^ 1]": lambda _, thread: (thread ^ 1) * THREADS,
    "local[threadIdx.x % 4]": lambda b, thread: (b - thread) * (thread % 4),
    "b + 0xffffffff": lambda b, _: b + 0xFFFFFFFF,
    "b - 0x80000000": lambda b, _: b - 0x80000000,
    "-b": lambda b, _: -b,
    "b & 1 ? b : 0xffffffff": lambda b, _: b if b & 1 else 0xFFFFFFFF,
    "b & 1 ? b : 0xffffffff80000000": lambda b, _: b if b & 1 else 0xFFFFFFFF80000000,
    "b < 0xffffffff": lambda b, _: b < 0xFFFFFFFF,
    "b < 0xffffffff80000000": lambda b, _: b < 0xFFFFFFFF80000000,
    "(long long) b < 0x80000000ll": lambda b, _: b < 0x80000000 or b >= 2**63,
    "(long long) b > -0x80000000ll": lambda b, _: b < 2**63 or b > 2**64 - 0x80000000,
}
INTEGERS = f"""
extern "C" __global__ void draw(unsigned long long* out, unsigned long long first) {{
    __shared__ unsigned long long all[{THREADS}];
    all[threadIdx.x] = threadIdx.x * blockDim.x;
    __syncthreads();
    unsigned long long b = first + threadIdx.x, local[4];
    for (int k = 0; k < 4; k++) local[k] = k * first;
    {"".join(f"out[{k} * {THREADS} + threadIdx.x] = {expression};" for k, expression in enumerate(EXPRESSIONS))}
}}
"""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_kernels_have_the_bits_of_the_host(architecture: int) -> None:
    texts = [machine_code.text(distribution, dtype) for distribution, dtype, _ in DRAWS]
    kernels = machine_code.compiled([INTEGERS, *texts], architecture)
    check_integers(kernels[INTEGERS])
    for (distribution, dtype, is_traced), text in zip(DRAWS, texts, strict=True):
        for box in (case(distribution, dtype, (5, 411)), case(distribution, dtype, (2,) * 6, before=1, step=2)):
            kind, message = Traced if is_traced else Machine, f"{distribution} {dtype}"
            machine = check(box, kind=kind, message=message, kernel=kernels[text])
            assert not isinstance(machine, Traced) or machine.faults == set(), message


def check_integers(kernel: Kernel) -> None:
    # Each integer in the text of an instruction lies within reach of one of these.
    for first in (2**31 - 128, 2**32 - 128, 2**64 - 2**31 - 128, 0):
        out = np.zeros((len(EXPRESSIONS), THREADS), np.uint64)
        kernel.launch(Grid(1, THREADS), out, [pack("<Q", first)])
        for row, expected in zip(out.tolist(), EXPRESSIONS.values(), strict=True):
            assert row == [expected((first + k) % 2**64, k) % 2**64 for k in range(THREADS)]
