"""The report: one table for each model, in the width of the terminal. A row appears when it is measured."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import arrayinit
from arrayinit.backends.device import Device
from arrayinit.cli.measure import LIMIT, Row
from arrayinit.cli.models import Parameter
from arrayinit.stream.extension import instruction_set

EXPLANATION = f"std error: how many standard errors the worst array's std is off; up to {LIMIT:g} is ok"

_GAP = "  "
_FIRST_TO_GO = ("ns/param", "compile", "version", "sha256", "device", "std error")
_SHORTEST_SHA256 = 8


_DEVICE = ("backend", "version", "device")
_TEXTS = (*_DEVICE, "sha256")
_COLUMNS = (*_DEVICE, "seconds", "compile", "ns/param", "std error", "ok", "sha256")


class Report:
    """The lines to print. Each line fits in ``width`` characters; if ``width`` is None, lines are not cut."""

    def __init__(self, devices: Sequence[Device], seed: int | None, width: int | None) -> None:
        self.seed, self.width = seed, width
        widths = {name: len(name) for name in _COLUMNS}
        for name in _DEVICE:
            widths[name] = max(map(len, (name, *(getattr(device, name) for device in devices))))
        self.widths = _fitted(widths | {"sha256": 64 if seed is not None else 0}, width)

    def head(self, model: str, parameters: Sequence[Parameter]) -> str:
        """Return the text above the rows of a model."""
        total = sum(parameter.size for parameter in parameters)
        source = "each library's own generator" if self.seed is None else f"seed {self.seed}"
        title = self._text(f"{model}: {total:,} parameters in {len(parameters)} arrays, from {source}")
        rule = _GAP.join("-" * width for width in self.widths.values())
        return f"{title}\n\n{self._line({name: name for name in self.widths})}\n{rule[: self.width]}"

    def row(self, row: Row) -> str:
        """Return one row."""
        numbers = [f"{time:.2f}" for time in (row.seconds, row.compile_seconds, row.ns_per_parameter)]
        numbers.append(f"{row.worst_std_error:+.2f}")
        if row.error is not None:
            numbers = ["-"] * len(numbers)
        cells = (row.backend, row.version, row.device, *numbers, "ok" if row.ok else "NO", row.sha256 or "")
        return self._line(dict(zip(_COLUMNS, cells, strict=True)))

    def foot(self, rows: Sequence[Row]) -> str:
        """Return the text below the rows of a model."""
        wrong = [row for row in rows if not row.ok]
        whats = [f"{row.model} on {row.backend} {row.device}, {row.error or row.worst_array}" for row in wrong]
        lines = [self._text(f"not ok: {what}") for what in whats]
        rows = [row for row in rows if row.error is None]
        if self.seed is not None and rows:
            lines += [self._text(f"not the same weights: {model}") for model in differing(rows)] or self._digest(rows)
        return "\n".join(["", *lines, ""]) if lines else ""

    def explanation(self) -> str:
        """Return the version, and the meaning of the column of standard errors."""
        return f"{self._text(version())}\n{self._text(EXPLANATION)}"

    def _digest(self, rows: Sequence[Row]) -> list[str]:
        same = f", the same on all {len(rows)}" if len(rows) > 1 else ""
        return [self._text(f"sha256 of the weights{same}:"), self._text(str(rows[0].sha256))]

    def _line(self, cells: dict[str, str]) -> str:
        line = _GAP.join(
            cells[name][:width].ljust(width) if name in _TEXTS else cells[name].rjust(width)
            for name, width in self.widths.items()
        )
        return line.rstrip()[: self.width]

    def _text(self, line: str) -> str:
        return line if self.width is None else textwrap.fill(line, self.width)


def version() -> str:
    """Return the version, and what fills the memory of the CPU from a seed."""
    name = instruction_set()
    core = "without its compiled core" if name == "none" else f"compiled core: {name}"
    return f"arrayinit {arrayinit.__version__}, {core}"


def differing(rows: Sequence[Row]) -> list[str]:
    """Return the models that got different weights from one seed."""
    digests: dict[str, set[str | None]] = {}
    for row in (row for row in rows if row.error is None):
        digests.setdefault(row.model, set()).add(row.sha256)
    return [model for model, found in digests.items() if len(found) > 1]


def _fitted(widths: dict[str, int], limit: int | None) -> dict[str, int]:
    """Return the widths of the columns that fit in a line. The digest is cut before any column is left out."""
    widths = {name: width for name, width in widths.items() if width}
    if limit is None:
        return widths
    digest = widths.get("sha256", 0)
    if digest:
        widths["sha256"] = _SHORTEST_SHA256
    for name in _FIRST_TO_GO:
        if _length(widths) > limit:
            widths.pop(name, None)
    if "sha256" in widths:
        widths["sha256"] = min(digest, _SHORTEST_SHA256 + limit - _length(widths))
    return widths


def _length(widths: dict[str, int]) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)
