"""The time an element, from small arrays to large arrays, on one thread and on all threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from statistics import median
from typing import Any

import numpy as np
import torch

import arrayinit as ai
from arrayinit.kernels.threads import VARIABLE, count
from benchmarks.timing import SHORTEST, Case, Effort, Result, Section, seconds, summary

BASE = 10_000_000
SIZES = (1000, 10_000, 100_000, 1_000_000, BASE, 100_000_000, 500_000_000)
SECTION = Section(
    "Growth",
    "Nanoseconds an element of a flat float32 array from a seed, by the number of elements. Each page of the array was "
    "written before: the system's time for page faults does not count. The value is the time at the largest size over "
    "the time at 1e7. torch.nn.init shows the scale.",
    "largest / 1e7",
)
FUNCTIONS: dict[str, Callable[[Any], object]] = {
    **{
        f"arrayinit.{name}": lambda x, name=name: getattr(ai, name)(x, rng=0)
        for name in ("uniform_", "normal_", "trunc_normal_")
    },
    **{
        f"torch.nn.init.{name}": lambda x, name=name: getattr(torch.nn.init, name)(torch.from_numpy(x))
        for name in ("uniform_", "normal_")
    },
}


def cases() -> Iterator[Case]:
    for function in FUNCTIONS:
        for number in sorted({1, count()}):
            name = f"growth, {number} thread{'s' * (number > 1)}: {function}"
            yield Case((name,), lambda effort, row=(name, function, number): measure(*row, effort))


def measure(name: str, function: str, number: int, effort: Effort) -> list[Result]:
    sizes = [n for n in SIZES if n <= effort.largest]
    with threads(number):
        rounds = [[nanoseconds(function, n, sizes[-1]) for n in sizes] for _ in range(min(3, effort.processes))]
    growth = [times[-1] / times[sizes.index(BASE)] for times in rounds]
    columns = {f"{n:.0e}".replace("e+0", "e"): median(times) for n, *times in zip(sizes, *rounds, strict=True)}
    return [Result(SECTION, name, *summary(growth), columns)]


def nanoseconds(function: str, n: int, largest: int) -> float:
    x, fill = memory(largest)[:n], FUNCTIONS[function]
    # Long enough for a few ns an element and a few us a call.
    repeats = max(1, round(SHORTEST / (n * 2e-9 + 1e-5)))
    return seconds(lambda: fill(x), repeats) / n * 1e9


@cache
def memory(n: int) -> Any:
    return np.ones(n, np.float32)


@contextmanager
def threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    os.environ[VARIABLE] = str(number)
    torch.set_num_threads(number)
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        torch.set_num_threads(before)
