"""The time of one shard of a global array, by the number of shards. The shard is filled alone, as on its own device.

    python -m benchmarks.shards --write

needs only NumPy, and writes its tables to benchmarks/RESULTS-shards.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from itertools import product
from pathlib import Path
from statistics import median, quantiles

import numpy as np

from arrayinit.core.distributions import Distribution, Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.threads import VARIABLE, count, spread
from arrayinit.stream.seed import seed_of
from benchmarks.environment import cpus, processor
from benchmarks.processes import fresh
from benchmarks.timing import seconds

SHAPE = (1 << 14, 1 << 15)
SHARDS = [1 << k for k in range(11)]
RUNS = [4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 1]
DTYPES = ("float16", "bfloat16", "float32", "float64")
DISTRIBUTIONS: dict[str, Distribution] = {
    "uniform": Uniform(0.0, 1.0),
    "normal": Normal(0.0, 1.0),
    "truncated": TruncatedNormal(0.0, 1.0, -2.0, 2.0),
}
RESULTS = Path(__file__).with_name("RESULTS-shards.md")
THREADS = count()

MEMORY = """
import sys
from benchmarks import shards
from benchmarks.memory import peak

dtype, number = sys.argv[1], int(sys.argv[2])
box = shards.memory_of(dtype, shards.SHAPE[0] * shards.SHAPE[1] // number)
shards.shard("normal", dtype, (1000, 1), 0, 1, box)()
before = peak()
for axis in (0, 1):
    shards.shard("normal", dtype, shards.SHAPE, axis, number, box)()
print(peak() - before)
"""

Fill = Callable[[], object]
Host = np.ndarray[tuple[int, ...], np.dtype[np.generic]]


def memory_of(dtype: str, size: int) -> Host:
    """Return memory for this number of elements; each page of it has been written."""
    return np.ones(size, "uint16" if dtype == "bfloat16" else dtype)


def shard(name: str, dtype: str, shape: Sequence[int], axis: int, number: int, memory: Host) -> Fill:
    """Return a call that fills the middle shard of ``number`` shards along an axis, at the beginning of this memory."""
    size, corner = list(shape), [0] * len(shape)
    size[axis] //= number
    corner[axis] = number // 2 * size[axis]
    draw = Draw(DISTRIBUTIONS[name], seed_of(0), FORMATS[dtype], tuple(shape), tuple(range(len(shape))))
    box = memory[: size[0] * size[1]].reshape(size)
    return lambda: draw.fill_box(box, corner)


def quartiles(ratios: Sequence[float]) -> str:
    low, half, high = quantiles(ratios, n=4)
    return f"{half:.2f} ({low:.2f} to {high:.2f})"


def scaling(name: str, dtype: str, rounds: int) -> list[str]:
    """Return the table of one distribution and dtype: a shard's time over its part of the whole, by rows or columns."""
    lines = [
        f"\n{name}, {dtype}\n",
        "| shards | bytes of one | peak above | Shard(0), ms | x shards / whole | run | Shard(1), ms | / Shard(0) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    box = memory_of(dtype, SHAPE[0] * SHAPE[1])
    fills = {
        (n, axis): shard(name, dtype, SHAPE, axis, n, box) for n in SHARDS for axis in (0, 1) if (n, axis) != (1, 1)
    }
    # Short shards are measured more often. The whole array is the same by rows and by columns.
    rows = [{place: seconds(fill, min(9, 1 + place[0] // 16)) for place, fill in fills.items()} for _ in range(rounds)]
    for n in SHARDS:
        first, second = ([row[n, axis] for row in rows] for axis in ((0, 1) if n > 1 else (0, 0)))
        part = quartiles([n * row[n, 0] / row[1, 0] for row in rows])
        lines.append(
            f"| {n} | {box.nbytes / n / 2**20:g} MiB | {peak_above(dtype, n):.1f} MiB "
            f"| {1e3 * median(first):.2f} | {part} | {SHAPE[1] // n} | {1e3 * median(second):.2f} "
            f"| {quartiles([b / a for a, b in zip(first, second, strict=True)])} |"
        )
        print(lines[-1], file=sys.stderr)
    return lines


@cache
def peak_above(dtype: str, number: int) -> float:
    """Return the peak memory above a shard in MiB, by rows or by columns, whichever is more."""
    return fresh("-c", MEMORY, dtype, str(number)) / 1024


def short_runs(rounds: int, size: int = 1 << 19) -> list[str]:
    """Return the table of shards of one size, by the length of their rows, over a contiguous shard."""
    cases = list(product(("float32", "bfloat16", "float64"), DISTRIBUTIONS))
    lines = [
        "| run | " + " | ".join(f"{name}, {dtype}" for dtype, name in cases) + " |",
        "|---" * (len(cases) + 1) + "|",
    ]
    columns = []
    for dtype, name in cases:
        box = memory_of(dtype, size)
        whole = shard(name, dtype, (1 << 15, size >> 12), 0, 8, box)
        fills = [shard(name, dtype, (size // run, 64 * run), 1, 64, box) for run in RUNS]
        ratios = [[seconds(fill) / seconds(whole) for fill in fills] for _ in range(rounds)]
        columns.append([median(column) for column in zip(*ratios, strict=True)])
    for run, *row in zip(RUNS, *columns, strict=True):
        lines.append(f"| {run} | " + " | ".join(f"{ratio:.2f}" for ratio in row) + " |")
        print(lines[-1], file=sys.stderr)
    return lines


def on_one_thread(measure: Callable[[int], list[str]], rounds: int) -> list[str]:
    os.environ[VARIABLE] = "1"
    try:
        return measure(rounds)
    finally:
        os.environ[VARIABLE] = str(THREADS)


def elements(rounds: int, size: int = 1 << 21) -> list[str]:
    """Return the table of nanoseconds an element of a contiguous shard."""
    numbers = sorted({1, THREADS})
    heads = [f"{name}, {n} thread{'s' * (n > 1)}" for name in DISTRIBUTIONS for n in numbers]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for dtype in DTYPES:
        box = memory_of(dtype, size)
        fills = {name: shard(name, dtype, (1 << 13, size >> 10), 0, 8, box) for name in DISTRIBUTIONS}
        times: dict[tuple[str, int], list[float]] = {(name, n): [] for name in DISTRIBUTIONS for n in numbers}
        for _ in range(rounds):
            for (name, n), measured in times.items():
                os.environ[VARIABLE] = str(n)
                measured.append(seconds(fills[name]))
        lines.append(f"| {dtype} | " + " | ".join(f"{median(t) / size * 1e9:.2f}" for t in times.values()) + " |")
        print(lines[-1], file=sys.stderr)
    return lines


def constants() -> str:
    """Return a sentence with the times that do not depend on the size."""
    draw = shard("normal", "float32", (8, 8), 0, 8, memory_of("float32", 8))
    fill, start = (1e6 * median([seconds(work) for _ in range(300)]) for work in (draw, _start))
    return (
        f"A shard of 8 elements takes {fill:.0f} us. The start and the end of {THREADS} threads take {start:.0f} us. "
        f"During the run, the\nmachine gave {THREADS} threads of NumPy's generator {cpus():.2f} CPUs."
    )


def _start() -> None:
    spread(lambda _: None, range(THREADS))


def main() -> None:
    """Measure, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS-shards.md")
    options = parser.parse_args()
    parts = [
        f"""# Shards

`python -m benchmarks.shards --rounds {options.rounds} --write`, {dt.datetime.now(tz=dt.UTC).date()}; Python
{platform.python_version()}, numpy {version("numpy")}; {processor()}, {THREADS} threads.

One shard of {SHAPE[0]} x {SHAPE[1]} elements is filled alone. Shard(0) shards the array by rows, Shard(1) by columns,
where `run` is the number of elements of a row. Each round fills every shard. The table has the medians of the rounds,
with the quartiles in brackets. `x shards / whole` is the time of a shard, times the number of shards, over the time of
the whole array; 1 means that the time falls as 1 / shards. `peak above` is the memory above the shard in normal draws,
by rows or by columns, whichever is more.

{constants()}""",
        *(
            line
            for dtype in ("float32", "bfloat16")
            for name in ("uniform", "normal")
            for line in scaling(name, dtype, options.rounds)
        ),
        """
## Short rows

The time of a shard with rows of this length, over the time of a contiguous shard, on one thread. The shard has 2^19
elements, and is one of 64 by columns.
""",
        *on_one_thread(short_runs, options.rounds),
        """
## Nanoseconds an element

of a contiguous shard of 2^21 elements.
""",
        *elements(2 * options.rounds + 1),
        "",
    ]
    text = "\n".join(parts)
    if options.write:
        RESULTS.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
