"""The results as Markdown, for the terminal too, and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import fill
from time import monotonic

from benchmarks.targets import TARGETS, target
from benchmarks.timing import Case, Effort, Result, Section

INTRODUCTION = """\
arrayinit and the peer are timed in turn, in one process; each goes first in every other round. The ratio is the median
of the rounds' ratios: above 1, arrayinit is faster. `native` is the generator of the library: torch's global generator,
a JAX key, a NumPy `Generator`. `seed` is an integer, which gives the same bits on every library."""

LOAD = "The machine gave them {} CPUs when the run began: if it gave fewer than it has, trust none of the ratios."


def figure(value: float) -> str:
    """Return three digits, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def spread(result: Result) -> str:
    return "" if result.quartiles is None else " to ".join(map(figure, result.quartiles))


def measure(chosen: list[Case], effort: Effort) -> list[Result]:
    """Measure the cases one by one, and show each result when it is measured."""
    start, results = monotonic(), []
    for k, case in enumerate(chosen, start=1):
        for result in case.run(effort):
            results.append(result)
            minutes, seconds = divmod(round(monotonic() - start), 60)
            print(f"[{k}/{len(chosen)} {minutes}:{seconds:02}] {line(result)}", file=sys.stderr, flush=True)
    return results


def line(result: Result) -> str:
    """Return the line that the terminal shows for a result."""
    parts = (result.name, figure(result.value), result.section.heading, spread(result), judged(result))
    return "  ".join(part for part in parts if part)


def judged(result: Result) -> str:
    """Return the target of a result, and whether it is met."""
    goal = target(result.name)
    if goal is None:
        return ""
    return f"{'at most' if goal.at_most else 'at least'} {goal.bound:g}: {goal.verdict(result.value)}"


def markdown(environment: Mapping[str, str], results: Sequence[Result], chart: str = "") -> str:
    """Return the whole page: first the targets, then every result."""
    about = dict(environment)
    command, date, processor, threads, cpus = (
        about.pop(key) for key in ("command", "date", "processor", "threads", "cpus")
    )
    versions = ", ".join(f"{name} {number}" for name, number in about.items())
    parts = [
        "# Results",
        fill(f"`{command}`, {date}; {versions}; {processor}, {threads} threads. {LOAD.format(cpus)}", 120),
        INTRODUCTION,
        chart,
        "## Targets\n\nIf a target holds for several rows, its result is the worst of them.",
        table(("", "target", "result", ""), goals(results)),
    ]
    for section in dict.fromkeys(result.section for result in results):
        parts += [f"## {section.title}\n\n{fill(section.text, 120)}", section_table(section, results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def goals(results: Sequence[Result]) -> Iterator[Sequence[str]]:
    for goal in TARGETS:
        worst = goal.worst(results)
        if goal.bound is not None and worst is not None:
            bound = f"at {'most' if goal.at_most else 'least'} {goal.bound:g}"
            yield f"{goal.group}; {goal.label}", bound, figure(worst.value), goal.verdict(worst.value)


def section_table(section: Section, results: Sequence[Result]) -> str:
    rows = [result for result in results if result.section == section]
    columns = list(rows[0].details)
    head = ["", section.heading, "quartiles", "target", *columns]
    return table(head, (cells(result, columns) for result in rows))


def cells(result: Result, columns: Sequence[str]) -> list[str]:
    details = (figure(result.details[column]) for column in columns)
    return [result.name, figure(result.value), spread(result), judged(result), *details]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with aligned columns, which is also readable as text."""
    grid = [list(head), *map(list, rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*grid, strict=True)]
    grid.insert(1, ["-" * width for width in widths])
    lines = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in grid)
    return "\n".join(f"| {text} |" for text in lines)


def as_json(environment: Mapping[str, str], results: Sequence[Result]) -> str:
    """Return every figure, unrounded."""
    rows = []
    for result in results:
        goal = target(result.name)
        rows.append(
            {
                "section": result.section.title,
                "name": result.name,
                "unit": result.section.heading,
                "value": result.value,
                "quartiles": result.quartiles,
                "target": None if goal is None else goal.bound,
                "met": None if goal is None else goal.verdict(result.value) == "met",
                **result.details,
            }
        )
    return json.dumps({"environment": environment, "results": rows}, indent=1) + "\n"
