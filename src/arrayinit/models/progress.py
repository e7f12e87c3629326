"""Progress: a bar on a terminal, or a function of the user."""

from __future__ import annotations

import sys
from collections.abc import Callable
from shutil import get_terminal_size

Progress = Callable[[int, int, str], None]
"""``progress(done_bytes, total_bytes, name)``: called before each parameter, and with an empty name at the end."""

_WIDTH = 24


def reporter(progress: bool | Progress | None) -> Progress | None:
    """Return the function to call."""
    if progress is None or progress is False:
        return None
    if progress is True:
        return _bar if sys.stderr.isatty() else None
    if not callable(progress):
        raise TypeError(f"progress must be True, or a function of (done_bytes, total_bytes, name); got {progress!r}")
    return progress


def _bar(done: int, total: int, name: str) -> None:
    """Draw a bar on the terminal."""
    share = done / total if total else 1.0
    filled = round(share * _WIDTH)
    line = (
        f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {share:4.0%}  {done / 2**20:.0f} of {total / 2**20:.0f} MiB  {name}"
    )
    end = "" if name else "\n"
    width = get_terminal_size().columns - 1
    sys.stderr.write(f"\r{line[:width].ljust(width)}{end}")
    sys.stderr.flush()
