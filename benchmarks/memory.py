"""The peak memory above an array, which a fresh process fills."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import fresh
from benchmarks.timing import Case, Effort, Result, Section

SECTION = Section(
    "Peak memory",
    "The growth of a fresh process's peak memory (VmHWM) during the fill of an array of 1 GiB. Each page of the array "
    "was written before.",
    "MiB above",
)
BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8, "complex64": 8}
CASES = [
    *((function, dtype, "seed") for function in ("uniform_", "normal_", "trunc_normal_") for dtype in BYTES),
    *((function, "float32", "native") for function in ("uniform_", "normal_", "trunc_normal_")),
]


def cases() -> Iterator[Case]:
    for function, dtype, rng in CASES:
        name = f"memory, {dtype}, {rng}: {function}"
        if (function, dtype) != ("trunc_normal_", "complex64"):  # no such distribution
            yield Case((name,), lambda effort, row=(name, function, dtype, rng): measure(*row, effort))


def measure(name: str, function: str, dtype: str, rng: str, effort: Effort) -> list[Result]:
    kibibytes = fresh("-m", "benchmarks.memory", function, dtype, rng, str(effort.bytes // BYTES[dtype]))
    return [Result(SECTION, name, kibibytes / 1024, None, {})]


def growth(function: str, dtype: str, rng: str, count: str) -> int:
    """Return the growth of the peak, in KiB."""
    import numpy as np

    import arrayinit as ai

    if dtype == "bfloat16":
        import ml_dtypes

        x = np.ones(int(count), ml_dtypes.bfloat16)
    else:
        x = np.ones(int(count), dtype)
    draw = 0 if rng == "seed" else np.random.default_rng(0)
    getattr(ai, function)(x[:1000], rng=draw)
    before = peak()
    getattr(ai, function)(x, rng=draw)
    return peak() - before


def peak() -> int:
    """Return the peak memory of this process, in KiB."""
    # Not ru_maxrss, which begins with the peak of the parent process.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    print(growth(*sys.argv[1:]))
