"""The table, and the progress bar of a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from arrayinit.cli.measure import Row

_HEAD = (
    "model",
    "backend",
    "version",
    "device",
    "arrays",
    "parameters",
    "seconds",
    "ns/param",
    "std error",
    "ok",
)
_TEXT_COLUMNS = 4


def table(rows: Sequence[Row]) -> str:
    """Return the rows as text: one line each, columns aligned."""
    cells = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(_HEAD))]
    lines = [
        "  ".join(
            text.ljust(width) if i < _TEXT_COLUMNS else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines += [f"not ok: {row.model} on {row.backend} {row.device}, {row.worst_array}" for row in rows if not row.ok]
    lines += [f"{row.sha256}  {row.model} on {row.backend} {row.device}" for row in rows if row.sha256]
    lines += [f"not the same weights: {model}" for model in differing(rows)]
    return "\n".join(lines)


def differing(rows: Sequence[Row]) -> list[str]:
    """Return the models whose weights are not the same everywhere, though made from one seed."""
    digests: dict[str, set[str | None]] = {}
    for row in rows:
        digests.setdefault(row.model, set()).add(row.sha256)
    return [model for model, found in digests.items() if len(found) > 1]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.model,
        row.backend,
        row.version,
        row.device,
        str(row.arrays),
        f"{row.parameters:,}",
        f"{row.seconds:.2f}",
        f"{row.ns_per_parameter:.2f}",
        f"{row.worst_std_error:+.2f}",
        "ok" if row.ok else "NO",
    )


class Progress:
    """A bar on standard error, if that is a terminal."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.label = total, 0, ""
        self.shown = sys.stderr.isatty()

    def advance(self) -> None:
        """Count one array more."""
        self.done += 1
        if self.shown:
            filled = 30 * self.done // self.total
            bar = "#" * filled + "." * (30 - filled)
            sys.stderr.write(f"\r[{bar}] {self.done}/{self.total} {self.label:<40.40}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line empty."""
        if self.shown:
            sys.stderr.write("\r" + " " * 90 + "\r")
            sys.stderr.flush()
