"""The time that ``import arrayinit`` adds to ``import numpy``, in fresh processes."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.processes import fresh
from benchmarks.timing import Case, Effort, Result, Section, summary

SECTION = Section("Import", "The time of `import arrayinit` after `import numpy`, in 15 fresh processes.", "ms")
NAME = "import arrayinit after numpy"

# No module of this package: its imports would come first.
CODE = """
import numpy
from time import perf_counter
start = perf_counter()
import arrayinit
print(perf_counter() - start)
"""


def cases() -> Iterator[Case]:
    yield Case((NAME,), measure)


def measure(_: Effort) -> list[Result]:
    fresh("-c", CODE)  # leaves the bytecode on the disk
    return [Result(SECTION, NAME, *summary([fresh("-c", CODE) * 1e3 for _ in range(15)]), {})]
