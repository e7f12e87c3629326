"""How far it is from a call to its bits: ``python -m benchmarks.structure``.

It counts the files, functions and changes of file that a warm call goes through (imports, and what a first call caches,
apart), the methods that an adapter must have, the lines of code without docstrings, comments and blank lines, and the
minutes of each nox session that has left a report.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import numpy as np

import arrayinit
from arrayinit.backends.native import NativeBackend
from arrayinit.backends.protocol import Backend

SOURCE = Path(arrayinit.__file__).parent
REPORTS = Path(__file__).parents[1] / ".nox" / "reports"


class Way(NamedTuple):
    """What one call goes through."""

    files: int
    functions: int
    changes: int


def way(call: Callable[[], Any]) -> Way:
    """Return what a warm call goes through in the package."""
    call()
    call()
    seen: list[tuple[str, str]] = []

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(SOURCE)):
            seen.append((frame.f_code.co_filename, frame.f_code.co_qualname))

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    files = [file for file, _ in seen]
    changes = 1 + sum(a != b for a, b in pairwise(files))
    return Way(len(set(files)), len(set(seen)), changes)


def ways() -> dict[str, Way]:
    """Return the way of ``kaiming_uniform_(x, rng=0)`` on each library that is installed."""
    arrays: dict[str, Any] = {"NumPy": np.empty((64, 64), np.float32)}
    try:
        import torch

        arrays["torch CPU"] = torch.empty(64, 64)
    except ImportError:
        pass
    try:
        import jax

        arrays["JAX eager"] = jax.numpy.empty((64, 64))
    except ImportError:
        pass
    return {name: way(lambda x=x: arrayinit.kaiming_uniform_(x, rng=0)) for name, x in arrays.items()}


def members(cls: type) -> list[str]:
    """Return the public methods of a protocol; those that an adapter must write are marked by a star."""
    required = getattr(cls, "__abstractmethods__", frozenset())
    return [f"{name}*" if name in required else name for name in dir(cls) if not name.startswith("_")]


def lines(file: Path) -> int:
    """Return the lines of code of a file, without docstrings, comments and blank lines."""
    text = file.read_text()
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        is_text = (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
        if is_text:
            skipped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    kept = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len([line for line in kept - skipped if line <= text.count("\n")])


def main() -> None:
    """Print the table."""
    print(f"{'kaiming_uniform_(x, rng=0)':<32}{'files':>8}{'functions':>12}{'changes of file':>18}")
    for name, through in ways().items():
        print(f"  {name:<30}{through.files:>8}{through.functions:>12}{through.changes:>18}")
    for cls in (Backend, NativeBackend):
        print(f"methods of {cls.__name__}: {len(members(cls))}: {', '.join(members(cls))}")
    files = sorted(SOURCE.rglob("*.py"))
    print(f"lines of code without docstrings: {sum(map(lines, files))} in {len(files)} files")
    longest = max(files, key=lambda file: file.read_text().count("\n"))
    print(f"longest file: {longest.relative_to(SOURCE)}, {longest.read_text().count(chr(10))} lines")
    for report in sorted(REPORTS.glob("*.xml")):
        seconds = sum(float(suite.get("time", 0)) for suite in ET.parse(report).iter("testsuite"))
        print(f"nox session {report.stem}: {seconds / 60:.1f} min in pytest")


if __name__ == "__main__":
    main()
