"""The portable stream against each framework's own initializers: ratios of medians, interleaved in one process.

    python benchmarks/portable.py --write

needs torch, JAX and Keras, and leaves its table in benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

os.environ["KERAS_BACKEND"] = "numpy"

SHAPE = (4096, 4096)
RESULTS = Path(__file__).with_name("RESULTS.md")

MEMORY = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import numpy as np, arrayinit as ai
from portable import peak

name, dtype, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
if dtype == "bfloat16":
    import torch
    x = torch.ones(count, dtype=torch.bfloat16)
else:
    x = np.ones(count, dtype)
fill = getattr(ai, name)
fill(x[:1000], rng=0)
before = peak()
fill(x, rng=0)
print(peak() - before)
"""

Row = tuple[str, Callable[[], object], Callable[[], object]]


def rows() -> list[Row]:
    """Return what is compared: a name, the framework's call and ours."""
    import jax
    import keras
    import numpy as np
    import torch

    import arrayinit as ai

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    tensor, half = torch.empty(SHAPE), torch.empty(SHAPE, dtype=torch.bfloat16)
    array = np.empty(SHAPE, np.float32)
    struct, key = jax.ShapeDtypeStruct(SHAPE, np.float32), jax.random.key(0)
    init, jinit, kinit = torch.nn.init, jax.nn.initializers, keras.initializers

    def ready(fill: Callable[[], object]) -> Callable[[], object]:
        return lambda: jax.block_until_ready(fill())

    def jitted(fill: Callable[[], object]) -> Callable[[], object]:
        return ready(jax.jit(fill))

    jax_uniform, jax_normal = partial(jinit.uniform(), key, SHAPE), partial(jinit.normal(), key, SHAPE)
    jax_truncated = partial(jinit.truncated_normal(), key, SHAPE)
    uniform, normal = partial(ai.uniform_, struct, rng=0), partial(ai.normal_, struct, rng=0)
    truncated = partial(ai.trunc_normal_, struct, rng=0)
    return [
        ("torch float32, uniform", lambda: init.uniform_(tensor), lambda: ai.uniform_(tensor, rng=0)),
        ("torch float32, normal", lambda: init.normal_(tensor), lambda: ai.normal_(tensor, rng=0)),
        ("torch float32, truncated", lambda: init.trunc_normal_(tensor), lambda: ai.trunc_normal_(tensor, rng=0)),
        ("torch bfloat16, uniform", lambda: init.uniform_(half), lambda: ai.uniform_(half, rng=0)),
        ("torch bfloat16, normal", lambda: init.normal_(half), lambda: ai.normal_(half, rng=0)),
        ("JAX, uniform", ready(jax_uniform), ready(uniform)),
        ("JAX, normal", ready(jax_normal), ready(normal)),
        ("JAX, truncated", ready(jax_truncated), ready(truncated)),
        ("JAX under jit, uniform", jitted(jax_uniform), jitted(uniform)),
        ("JAX under jit, normal", jitted(jax_normal), jitted(normal)),
        ("JAX under jit, truncated", jitted(jax_truncated), jitted(truncated)),
        (
            "Keras on NumPy, uniform",
            lambda: kinit.RandomUniform(seed=0)(SHAPE),
            lambda: ai.uniform_(np.empty(SHAPE, np.float32), -0.05, 0.05, rng=0),
        ),
        (
            "Keras on NumPy, normal",
            lambda: kinit.RandomNormal(seed=0)(SHAPE),
            lambda: ai.normal_(np.empty(SHAPE, np.float32), std=0.05, rng=0),
        ),
        ("a constant fill of the array (not a peer)", lambda: array.fill(1.0), lambda: ai.uniform_(array, rng=0)),
    ]


def measure(rounds: int) -> list[str]:
    """Return the table: the medians of each pair, run in turn, and the quartiles of the ratio."""
    lines = ["| | peer, ns | arrayinit, ns | peer / arrayinit | quartiles |", "|---|---|---|---|---|"]
    size = SHAPE[0] * SHAPE[1]
    for name, peer, ours in rows():
        peer(), ours()
        times = [(seconds(peer), seconds(ours)) for _ in range(rounds)]
        ratios = [theirs / mine for theirs, mine in times]
        low, middle, high = statistics.quantiles(ratios, n=4)
        theirs, mine = (statistics.median(column) / size * 1e9 for column in zip(*times, strict=True))
        lines.append(f"| {name} | {theirs:.2f} | {mine:.2f} | {middle:.2f} | {low:.2f} to {high:.2f} |")
        print(lines[-1], file=sys.stderr)
    return lines


def seconds(fill: Callable[[], object], repeats: int = 1) -> float:
    """Return the mean time of some calls, by the clock on the wall."""
    start = perf_counter()
    for _ in range(repeats):
        fill()
    return (perf_counter() - start) / repeats


def peak() -> int:
    """Return the most memory that this process has had, in KiB."""
    # Not ru_maxrss, which begins with that of the parent process.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def memory() -> list[str]:
    """Return the table of the peak memory above the array, which is written before."""
    lines = ["| filled from a seed | array | peak above it |", "|---|---|---|"]
    for name, dtype, count in (
        ("uniform_", "float32", 1 << 28),
        ("normal_", "float32", 1 << 28),
        ("trunc_normal_", "float32", 1 << 28),
        ("normal_", "float64", 1 << 27),
        ("normal_", "float16", 1 << 29),
        ("normal_", "bfloat16", 1 << 29),
        ("normal_", "complex64", 1 << 27),
    ):
        command = [sys.executable, "-c", MEMORY, str(Path(__file__).parent), name, dtype, str(count)]
        kibibytes = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        lines.append(f"| {name} {dtype} | 1 GiB | {kibibytes / 1024:.1f} MiB |")
        print(lines[-1], file=sys.stderr)
    return lines


def main() -> None:
    """Measure, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "torch", "jax", "keras"))
    threads = len(os.sched_getaffinity(0))
    head = f"""# Results

`python benchmarks/portable.py --rounds {options.rounds} --write`, {dt.datetime.now(tz=dt.UTC).date()}; Python
{platform.python_version()}, {packages}; {processor()}, {threads} threads.

Nanoseconds an element, {SHAPE[0]} x {SHAPE[1]}, medians; the ratio is the median of the rounds' ratios, above 1 where
arrayinit is faster.
"""
    text = "\n".join([head, *measure(options.rounds), "", *memory(), ""])
    if options.write:
        RESULTS.write_text(text)
    else:
        print(text)


def processor() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(": ")[2] if names else platform.machine()


if __name__ == "__main__":
    main()
