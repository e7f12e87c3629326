"""The terminal: its width, and a progress bar on it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

_USUAL = 80


def width_of(stream: TextIO) -> int | None:
    """Return the width of the stream's terminal in columns, or None if the stream is no terminal."""
    if not stream.isatty():
        return None
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(stream.fileno()).columns
    except (ValueError, OSError):
        columns = shutil.get_terminal_size((_USUAL, 24)).columns
    return columns if columns > 0 else _USUAL


class Progress:
    """A progress bar on standard error, if that is a terminal."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.label = total, 0, ""
        self._drawn = 0

    def advance(self) -> None:
        """Count one more array."""
        self.done += 1
        width = width_of(sys.stderr)
        if width is not None:
            # Many terminals start a new line after the last column, and a carriage return cannot go back from it.
            line = self._line(width - 1)
            sys.stderr.write("\r" + line.ljust(self._drawn))
            sys.stderr.flush()
            self._drawn = len(line)

    def clear(self) -> None:
        """Clear the line."""
        if self._drawn:
            sys.stderr.write("\r" + " " * self._drawn + "\r")
            sys.stderr.flush()
            self._drawn = 0

    def _line(self, width: int) -> str:
        text = f"{self.done}/{self.total} {self.label}"
        room = min(30, width - len(text) - len("[] "))
        if room < 5:
            return text[:width]
        filled = room * self.done // self.total
        return f"[{'#' * filled}{'.' * (room - filled)}] {text}"
