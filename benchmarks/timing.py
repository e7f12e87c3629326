"""Two calls, timed in turn, and their results."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple

Fill = Callable[[], object]
Clock = Callable[[Fill, int], float]
"""Returns the mean time in seconds of a number of calls."""

SHORTEST = 5e-3
"""The least time of a round in seconds; a shorter call is repeated."""


class Effort(NamedTuple):
    """How long to measure: the rounds that fit into some seconds, within limits."""

    side: int = 4096
    """Size of the large matrices."""
    seconds: float = 1.5
    least: int = 5
    most: int = 25
    processes: int = 5
    """Rounds of the measurements with a fresh process for each round."""
    largest: int = 500_000_000
    """Elements of the largest array."""
    bytes: int = 1 << 30
    """Bytes of the arrays whose peak memory is measured."""


QUICK = Effort(side=1024, seconds=0.2, least=3, most=7, processes=1, largest=100_000_000, bytes=1 << 27)


class Section(NamedTuple):
    """Results of one kind, which share a table."""

    title: str
    text: str
    heading: str = "peer / arrayinit"
    """The meaning of the value."""


class Result(NamedTuple):
    """One row of a table."""

    section: Section
    name: str
    value: float
    quartiles: tuple[float, float] | None
    details: dict[str, float]
    """Other columns."""


class Case(NamedTuple):
    """One measurement, and the names of its results."""

    names: tuple[str, ...]
    run: Callable[[Effort], list[Result]]


def seconds(fill: Fill, repeats: int = 1) -> float:
    """Return the mean time of some calls, by the wall clock."""
    start = perf_counter()
    for _ in range(repeats):
        fill()
    return (perf_counter() - start) / repeats


class Pair(NamedTuple):
    """A call of a peer, and the call of arrayinit that does the same."""

    section: Section
    name: str
    peer: Fill
    ours: Fill
    clock: Clock = seconds


def repeats(fill: Fill, clock: Clock) -> int:
    """Return the number of calls in a long enough round. The first call is not counted: it may compile."""
    fill()
    return math.ceil(SHORTEST / clock(fill, 1))


def compare(pair: Pair, effort: Effort) -> list[Result]:
    """Time both in turn. Each goes first in every other round."""
    calls = [(fill, repeats(fill, pair.clock)) for fill in (pair.peer, pair.ours)]
    rounds: list[tuple[float, float]] = []
    end = perf_counter() + effort.seconds
    while len(rounds) < effort.least or (len(rounds) < effort.most and perf_counter() < end):
        order = (0, 1) if len(rounds) % 2 else (1, 0)
        times = {i: pair.clock(*calls[i]) for i in order}
        rounds.append((times[0], times[1]))
    return [ratio(pair.section, pair.name, rounds)]


def ratio(section: Section, name: str, rounds: Sequence[tuple[float, float]]) -> Result:
    """Return the median of the rounds' ratios, with its quartiles and the medians of both times."""
    value, quartiles = summary([peer / ours for peer, ours in rounds])
    peer, ours = (statistics.median(times) * 1e3 for times in zip(*rounds, strict=True))
    return Result(section, name, value, quartiles, {"peer, ms": peer, "arrayinit, ms": ours})


def summary(values: Sequence[float]) -> tuple[float, tuple[float, float] | None]:
    """Return the median and the quartiles."""
    if len(values) == 1:
        return values[0], None
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return middle, (low, high)
