"""The emulator of machine code: instructions against NumPy, and faults that it must find."""

from __future__ import annotations

from fractions import Fraction

import machine_code
import numpy as np
import pytest
from sass import Choices, Grid, Kernel
from sass.disassembly import disassembled
from sass.fma import fma32, fma64
from sass.traced import Traced

pytestmark = pytest.mark.usefixtures("numpy_library")

KERNEL = """
__device__ float reciprocal(float x) {{ float y; asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }}
extern "C" __global__ void draw(float* out, float a, float b) {{
    float x = a + threadIdx.x, v = b + threadIdx.x;
    {body}
}}
"""

BODIES = {
    "division": "out[threadIdx.x] = __fdiv_rn(x, v);",
    "root": "out[threadIdx.x] = __fsqrt_rn(x);",
    "product and sum": "out[threadIdx.x] = __fadd_rn(__fmul_rn(x, v), 1.0f);",
    "fused": "out[threadIdx.x] = __fmaf_rn(x, v, 1.0f);",
    "approximate": "out[threadIdx.x] = reciprocal(x);",
    "leak": "float y = __fdiv_rn(x, v); out[threadIdx.x] = y > reciprocal(v) ? y : x;",
    "fraction": """float s = __fadd_rn(x, 11.599971f), y = reciprocal(s), q = __fmul_rn(46.634666f, y);
        out[threadIdx.x] = __fmaf_rn(__fmaf_rn(-s, q, 46.634666f), y, q);""",
    "fraction of another constant": """float s = __fadd_rn(x, 11.599971f), y = reciprocal(s), q = __fmul_rn(46.6f, y);
        out[threadIdx.x] = __fmaf_rn(__fmaf_rn(-s, q, 46.6f), y, q);""",
    "fraction that needs another estimate": """
        float s = __fadd_rn(x, 1.8907622f), y = reciprocal(s), q = __fmul_rn(1.58814f, y);
        out[threadIdx.x] = __fmaf_rn(__fmaf_rn(-s, q, 1.58814f), y, q);""",
    "sum of a block": """__shared__ int sum; if (threadIdx.x == 0) sum = 0; __syncthreads();
        atomicAdd(&sum, (int) threadIdx.x); __syncthreads(); out[threadIdx.x] = sum;""",
    "no barrier": """__shared__ float all[256]; all[threadIdx.x] = x; out[threadIdx.x] = all[255 - threadIdx.x];""",
    "beside": "out[threadIdx.x + 1] = x;",
    "sine": "out[threadIdx.x] = __sinf(x);",
}
THREADS = 256


@pytest.fixture(scope="module")
def kernels() -> dict[str, Kernel]:
    made = machine_code.compiled(KERNEL.format(body=body) for body in BODIES.values())
    return {name: made[KERNEL.format(body=body)] for name, body in BODIES.items()}


def launched(kernel: Kernel, a: float, b: float, choices: Choices | None = None) -> np.ndarray:
    out = np.zeros(THREADS, np.float32)
    kernel.launch(Grid(1, THREADS), out, [np.float32(a).tobytes(), np.float32(b).tobytes()], choices)
    return out


NUMBERS = [(1.0, 3.0), (-7.3, 0.01), (1e-42, 3e-40), (2e38, 1e-3), (0.0, -5.0), (3e38, 3e38)]


@pytest.mark.parametrize(("a", "b"), NUMBERS)
@pytest.mark.parametrize("reciprocal", ["nearest", "down", "up"])
def test_divisions_and_roots_are_ieee_754s(kernels: dict[str, Kernel], a: float, b: float, reciprocal: str) -> None:
    n = np.arange(THREADS, dtype=np.float32)
    x, v = np.float32(a) + n, np.float32(b) + n
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(launched(kernels["division"], a, b, Choices(reciprocal)), x / v)
        np.testing.assert_array_equal(launched(kernels["product and sum"], a, b), x * v + np.float32(1))
        np.testing.assert_array_equal(launched(kernels["root"], a, b), np.sqrt(x))


@pytest.mark.parametrize("name", ["division", "root", "product and sum", "fraction"])
def test_exact_chains_are_known(kernels: dict[str, Kernel], name: str) -> None:
    assert faults(kernels[name]) == set()


@pytest.mark.parametrize(
    "name",
    ["fused", "approximate", "leak", "fraction of another constant", "fraction that needs another estimate"],
)
def test_what_is_inexact_is_found(kernels: dict[str, Kernel], name: str) -> None:
    assert faults(kernels[name])


def faults(kernel: Kernel) -> set[str]:
    out = np.zeros(THREADS, np.float32)
    machine = kernel.launch(Grid(1, THREADS), out, [np.float32(1.5).tobytes()] * 2, kind=Traced)
    return machine.faults | machine.never_run()


@pytest.mark.parametrize("one_by_one", ["", "first", "last"])
def test_barriers_and_atomic_sums(kernels: dict[str, Kernel], one_by_one: str) -> None:
    assert (launched(kernels["sum of a block"], 0.0, 0.0, Choices(one_by_one=one_by_one)) == THREADS * 255 / 2).all()


def test_a_missing_barrier_is_seen_in_the_order_of_warps(kernels: dict[str, Kernel]) -> None:
    orders = [launched(kernels["no barrier"], 1.0, 0.0, Choices(one_by_one=order)) for order in ("", "first", "last")]
    assert not all(np.array_equal(orders[0], other) for other in orders)


def test_a_store_beside_the_memory_is_an_error(kernels: dict[str, Kernel]) -> None:
    with pytest.raises(IndexError, match="beside the memory of 1024 bytes"):
        launched(kernels["beside"], 1.0, 1.0)


def test_an_instruction_that_is_not_known_is_named(kernels: dict[str, Kernel]) -> None:
    with pytest.raises(NotImplementedError, match=r"no kernel had so far: FMUL\.RZ R\d+, "):
        launched(kernels["sine"], 1.0, 1.0)


def test_each_text_is_read_on_its_own(kernels: dict[str, Kernel]) -> None:
    given = kernels["division"]
    _, code = disassembled([kernels["root"].cubin.text, given.cubin.text], 90)
    # The text of a jump names the place in the file that nvdisasm reads.
    jumps = [address for address, i in given.code.items() if i.text != code[address].text]
    assert {given.code[address].name for address in jumps} == {"BRA", "BSSY", "CALL", "RET"}
    for address, i in given.code.items():
        assert [operand.index for operand in i.operands] == [operand.index for operand in code[address].operands]


@pytest.mark.parametrize("rounding", ["RN", "RZ", "RP", "RM"])
def test_products_and_sums_are_rounded_once(rounding: str) -> None:
    rng = np.random.default_rng(0)
    for fma, kind, digits in ((fma32, np.float32, 24), (fma64, np.float64, 53)):
        x, y = (rng.integers(2 ** (digits - 1), 2**digits, 500).astype(kind) for _ in range(2))
        # A sum that cancels most of the product, or none of it, or is far below.
        z = -(x * y) * rng.choice([1, -1, 2.0**-digits, 2.0 ** -(digits + 9)], 500).astype(kind)
        scale = kind(2.0 ** rng.integers(-100 if kind is np.float32 else -900, 20))
        result = fma(x * scale, y, z * scale, rounding)
        for one, *given in zip(result, x * scale, y, z * scale, strict=True):
            p, q, r = (Fraction(float(number)) for number in given)
            assert is_rounded(one, p * q + r, rounding)


def is_rounded(value: np.floating, exact: Fraction, rounding: str) -> bool:
    below, above = (Fraction(float(np.nextafter(value, value.dtype.type(end)))) for end in (-np.inf, np.inf))
    at = Fraction(float(value))
    if rounding == "RN":
        halves = (below + at) / 2, (at + above) / 2
        even = int(value.view(f"u{value.itemsize}")) % 2 == 0
        return halves[0] <= exact <= halves[1] if even else halves[0] < exact < halves[1]
    toward_zero = "RM" if exact > 0 else "RP"
    down = (toward_zero if rounding == "RZ" else rounding) == "RM"
    return at <= exact < above if down else below < exact <= at
