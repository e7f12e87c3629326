"""One table of what was measured, and one verdict."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

RIGHT, WRONG, SHORT, FAILED, MISSING, FIGURE = "right", "WRONG", "short", "failed", "not measured", ""
"""Outcomes: the first two are of bits; SHORT is a figure beyond its bound; FAILED is a step that came to no end."""


class Row(NamedTuple):
    """One line of the table."""

    step: str
    what: str
    value: str
    bound: str = ""
    outcome: str = FIGURE


def judged(step: str, what: str, value: str, bound: str, *, right: bool) -> Row:
    """Return the row of a check of bits."""
    return Row(step, what, value, bound, RIGHT if right else WRONG)


def bounded(step: str, what: str, value: str, bound: str, *, met: bool) -> Row:
    """Return the row of a figure with a bound."""
    return Row(step, what, value, bound, FIGURE if met else SHORT)


class Verdict(NamedTuple):
    """The last line, and the exit status: 0 for right, 1 for wrong, 2 for not known."""

    text: str
    status: int


def verdict(rows: Sequence[Row], essential: Sequence[str], *, whole: bool = True) -> Verdict:
    """Judge the rows. Each group of ``essential`` steps needs a row that is right, and none of them may fail.

    Of a run that is not ``whole`` no step may fail, and nothing is said of the kernels.
    """
    wrong = [row for row in rows if row.outcome == WRONG]
    if wrong:
        return Verdict(f"the kernels are NOT right: {_listed(wrong)}", 1)
    asked = tuple(essential) if whole else ("",)
    doubts = [row for row in rows if row.outcome == FAILED and row.step.startswith(asked)]
    if doubts:
        return Verdict(f"not known whether the kernels are right: {_listed(doubts)}", 2)
    seen = {row.step for row in rows if row.outcome == RIGHT}
    unseen = [name for name in essential if not any(step.startswith(name) for step in seen)]
    if unseen:
        return Verdict(f"not known whether the kernels are right: no result of {', '.join(unseen)}", 2)
    parts = ["the kernels are right" if whole else "nothing is wrong in these steps"]
    for outcome, words in ((SHORT, "short of a bound"), (FAILED, "failed"), (MISSING, "not measured")):
        found = [row for row in rows if row.outcome == outcome]
        if found:
            parts.append(f"{words}: {_listed(found)}")
    return Verdict("; ".join(parts), 0)


def _listed(rows: Iterable[Row]) -> str:
    return ", ".join(f"{row.step}, {row.what} ({row.value})" for row in rows)


def table(rows: Iterable[Row]) -> str:
    """Return a Markdown table with aligned columns."""
    grid = [["step", "what", "value", "bound", "outcome"], *(list(map(_cell, row)) for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*grid, strict=True)]
    grid.insert(1, ["-" * width for width in widths])
    lines = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in grid)
    return "\n".join(f"| {line} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())


def page(rows: Sequence[Row], found: Verdict, command: str, date: str) -> str:
    """Return the whole page of results."""
    about = f"`{command}`, {date}. The steps are described in CONTRIBUTING.md."
    return f"# The first day on a GPU\n\n{about}\n\n{table(rows)}\n\nVerdict: {found.text}.\n"


def append(file: Path, row: Row) -> None:
    """Add a row to a file, which keeps it whatever happens next."""
    with file.open("a") as lines:
        lines.write(json.dumps(row) + "\n")


def read(file: Path) -> list[Row]:
    """Return the rows of a file. The last line may have been cut off."""
    rows = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            rows.append(Row(*json.loads(line)))
        except (ValueError, TypeError):
            break
    return rows
