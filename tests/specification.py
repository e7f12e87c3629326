"""The tables and the vectors of docs/portable-stream.md, from the code; run it to write them into the page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from float8 import FLOAT8

import arrayinit
from arrayinit.core.distributions import Distribution, Normal, TruncatedComplexNormal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.rounding import memory_dtype
from arrayinit.kernels.words import words
from arrayinit.stream import coefficients as table
from arrayinit.stream.seed import seed_of

PAGE = Path(__file__).parents[1] / "docs" / "portable-stream.md"

SEEDS = {
    "0": 0,
    "2^64 + 1": 2**64 + 1,
    "[1, 2, 3]": [1, 2, 3],
    'fold_in(0, "encoder.0.weight")': arrayinit.fold_in(0, "encoder.0.weight"),
    'fold_in(2^40, "a", 7)': arrayinit.fold_in(2**40, "a", 7),
}

DRAWS: dict[str, Distribution] = {
    "uniform [0, 1)": Uniform(0.0, 1.0),
    "uniform [-0.3, 0.3)": Uniform(-0.3, 0.3),
    "uniform [-1, 2)": Uniform(-1.0, 2.0),
    "normal 0, 1": Normal(0.0, 1.0),
    "normal 1, 0.5": Normal(1.0, 0.5),
    "truncated 0, 1 on [-2, 2]": TruncatedNormal(0.0, 1.0, -2.0, 2.0),
    "truncated 0, 1 on [2, 3]": TruncatedNormal(0.0, 1.0, 2.0, 3.0),
    "truncated 0, 1 on [0, 10]": TruncatedNormal(0.0, 1.0, 0.0, 10.0),
    "truncated 0, 0.02 on [0.6, 100]": TruncatedNormal(0.0, 0.02, 0.6, 100.0),
    "truncated 0, 1 on [-40, -39]": TruncatedNormal(0.0, 1.0, -40.0, -39.0),
    "truncated 5, 2 on [-inf, 4]": TruncatedNormal(5.0, 2.0, -math.inf, 4.0),
    "truncated 0, 1 on [-1e-6, 1e-6]": TruncatedNormal(0.0, 1.0, -1e-6, 1e-6),
    "truncated 0, 1 on [3, 3.002]": TruncatedNormal(0.0, 1.0, 3.0, 3.002),
}

COMPLEX: dict[str, Distribution] = {
    "normal 1, 0.5": Normal(1.0, 0.5),
    "uniform on the disk of -1 to 2": Uniform(-1.0, 2.0).circular(),
    "truncated, s = 0.5": TruncatedComplexNormal(0.5),
}


def tables() -> Iterator[str]:
    """Yield the lines of the tables."""
    for name, numbers in (("float32", table.SINGLE), ("float64", table.DOUBLE)):
        yield f"{name}: edge {numbers.edge!r}, constant {numbers.constant!r}, exponent {numbers.exponent!r}"
        yield from _fractions(f"{name} centre", numbers.centre)
        yield from _fractions(f"{name} logarithm", numbers.logarithm)
    yield f"float32: constant_tail {table.SINGLE_TAIL_CONSTANT!r}"
    yield from _fractions("float32 tail", table.SINGLE_TAIL)
    yield from _fractions("float64 tail", table.DOUBLE_TAIL)
    yield from _numbers("float64 a, b, c, d", table.DOUBLE_PAIR)
    yield from _numbers("C", table.COSINE)
    yield from _numbers("S", table.SINE)
    yield from _numbers("within, beyond", table.MODULUS)


def _fractions(name: str, rows: table.Fractions) -> Iterator[str]:
    yield f"{name}:"
    yield from (f"    {w!r}, {s!r}" for w, s in rows)


def _numbers(name: str, numbers: table.Polynomial) -> Iterator[str]:
    yield f"{name}:"
    yield from (f"    {number!r}" for number in numbers)


def vectors() -> Iterator[str]:
    """Yield the lines of the test vectors, bits in hexadecimal."""
    for name, seed in SEEDS.items():
        key = seed_of(seed).key()
        yield f"key of {name}: {key.low:016x} {key.high:016x}"
        yield f"  64-bit words 0 to 4: {_hex(words(key, 0, 0, 5, 'uint64'))}"
        yield f"  32-bit words 0 to 8: {_hex(words(key, 0, 0, 9, 'uint32'))}"
        yield f"  32-bit words 2^35 + 3 to 2^35 + 6 of stream 2: {_hex(words(key, 2, 2**35 + 3, 4, 'uint32'))}"
    for dtype in ("float32", "float64", "float16", "bfloat16", *FLOAT8):
        for name, distribution in DRAWS.items():
            if dtype in ("float32", "float64") or name.startswith(("uniform", "normal")):
                yield f"seed 0, {dtype}, {name}, elements 0 to 4: {_hex(_draw(distribution, dtype))}"
        if dtype in FLOAT8:
            yield f"seed 0, {dtype}, normal 0, 200, elements 0 to 4: {_hex(_draw(Normal(0.0, 200.0), dtype))}"
    for dtype in ("complex64", "complex128"):
        for name, distribution in COMPLEX.items():
            parts = _draw(distribution, dtype).view(FORMATS[dtype].real)
            yield f"seed 0, {dtype}, {name}, elements 0 to 4, real and imaginary: {_hex(parts)}"
    sparse = arrayinit.sparse_(np.empty((5, 3), np.float32), 0.5, rng=0)
    yield f"seed 0, float32, sparse_ 0.5 with std 0.01, shape (5, 3): {_hex(sparse.reshape(-1))}"
    kernel = arrayinit.kaiming_uniform_(np.empty((2, 2, 2), np.float32), layout="...IO", rng=0)
    yield f'seed 0, float32, kaiming_uniform_, shape (2, 2, 2), layout "...IO": {_hex(kernel.reshape(-1))}'


def _draw(distribution: Distribution, dtype: str) -> np.ndarray:
    x = np.empty(5, memory_dtype(dtype))
    Draw(distribution, seed_of(0), FORMATS[dtype], (5,), (0,)).fill_host(x)
    return x


def _hex(x: np.ndarray) -> str:
    bits = x.view(f"uint{8 * x.itemsize}")
    return " ".join(f"{word:0{2 * x.itemsize}x}" for word in bits.tolist())


def block(lines: Iterator[str]) -> str:
    """Return lines as the page has them."""
    return "```\n" + "\n".join(lines) + "\n```\n"


def main() -> None:
    """Put the tables and the vectors where the page has some."""
    parts = PAGE.read_text().split("```\n")
    parts[1], parts[3] = ("\n".join(lines()) + "\n" for lines in (tables, vectors))
    PAGE.write_text("```\n".join(parts))


if __name__ == "__main__":
    main()
