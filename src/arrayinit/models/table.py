"""The table of a plan, in which rows that differ only in numbers are one row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from math import prod
from typing import NamedTuple

from arrayinit.models.fused import Fused, leaves
from arrayinit.models.grouping import seen_by
from arrayinit.models.names import joined_names, ranges
from arrayinit.models.resolve import Step
from arrayinit.values.value import Initializer

_NUMBER = re.compile(r"\d+")
_LONG = re.compile(r"\d+\.\d{5,}(e-?\d+)?")
HEAD = ("name", "shape", "layout", "initializer", "std", "source", "seed name")


class _Row(NamedTuple):
    """A row with its numbers, in the order of the name."""

    cells: tuple[str, ...]
    """The cells, with ``\0`` in place of each number of the name."""
    numbers: tuple[int, ...]


def as_text(steps: Sequence[Step]) -> str:
    """Return the table as text."""
    rows = [HEAD, *_collapsed(steps)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def as_html(steps: Sequence[Step]) -> str:
    """Return the table for a notebook."""
    head = "".join(f"<th>{cell}</th>" for cell in HEAD)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in _collapsed(steps))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _collapsed(steps: Iterable[Step]) -> Iterator[tuple[str, ...]]:
    """Yield one row for all that differ only in the numbers of their names, if these are all combinations."""
    groups: dict[tuple[str, ...], list[_Row]] = {}
    for step in steps:
        row = _row(step)
        groups.setdefault(row.cells, []).append(row)
    for cells, rows in groups.items():
        columns = [sorted({row.numbers[i] for row in rows}) for i in range(len(rows[0].numbers))]
        if prod(map(len, columns)) == len(rows) == len({row.numbers for row in rows}):
            yield _filled(cells, [ranges(column) for column in columns])
        else:
            for row in rows:
                yield _filled(cells, [str(number) for number in row.numbers])


def _row(step: Step) -> _Row:
    """Return the row of one step."""
    numbers = _NUMBER.findall(step.name)
    shape = "x".join(map(str, step.shape)) or "()"
    if step.owner is not None:
        cells = (
            _hidden(step.name, numbers),
            shape,
            step.layout or "-",
            f"= {_hidden(step.owner, numbers)}",
            "",
            "",
            "",
        )
    else:
        cells = (
            _hidden(step.name, numbers),
            shape,
            step.layout or "-",
            _LONG.sub(lambda long: f"{float(long.group()):.3g}", repr(step.action)),
            _std(step),
            step.source,
            _hidden(_seed_names(step), numbers),
        )
    return _Row(cells, tuple(map(int, numbers)))


def _hidden(text: str, numbers: list[str]) -> str:
    r"""Replace the first numbers in a text by ``\0``, if they are those of the name."""
    count = len(numbers)
    return _NUMBER.sub("\0", text, count) if count and _NUMBER.findall(text)[:count] == numbers else text


def _filled(cells: tuple[str, ...], numbers: list[str]) -> tuple[str, ...]:
    return tuple("".join(_joined(cell.split("\0"), numbers)) for cell in cells)


def _joined(pieces: list[str], numbers: list[str]) -> Iterator[str]:
    for piece, number in zip(pieces, [*numbers, ""], strict=False):
        yield piece
        yield number if len(pieces) > 1 else ""


def _std(step: Step) -> str:
    """Return the expected standard deviation of a step; of parts, the least and the greatest one."""
    found = sorted({_expected(leaf.action, leaf) for leaf in leaves(step) if isinstance(leaf.action, Initializer)})
    return "-" if not found else "..".join(f"{std:.4g}" for std in dict.fromkeys((found[0], found[-1])))


def _expected(value: Initializer, step: Step) -> float:
    return value.expected_std(*seen_by(value, step.shape, step.layout, step.groups))


def _seed_names(step: Step) -> str:
    """Return the names of the seeds of a step: ``attn.{q,k,v}.weight`` for parts."""
    if not isinstance(step.action, Fused):
        return step.seed_name if step.fills else ""
    names = list(filter(None, map(_seed_names, step.action.steps)))
    return joined_names(names) if names else ""
