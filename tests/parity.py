"""docs/parity.md, made of the tables that tests/peers/test_parity.py checks; run it to write the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from laws import SIGNIFICANCE, SIZE
from parity_keras_mlx import KERAS, MLX
from parity_tables import FLAX, JAX, TORCH, Row, Table

PAGE = Path(__file__).parents[1] / "docs" / "parity.md"
TABLES = (TORCH, JAX, FLAX, KERAS, MLX)

INTRODUCTION = f"""\
# Parity

You know an initializer of another framework: this page says which call of arrayinit does the same, and where one name
means two things. `x` is the array to fill, of any library. The page is generated (`python tests/parity.py`), and the
tests evaluate both sides of each row with the frameworks that are installed. How they compare them:

- **same bits**: every element is equal, from the same state of the same generator where one is used; in float32 and
  float64 for torch, JAX and Flax, in float32 for the others.
- **same law**: two samples of {2 * SIZE} have the same distribution, mean, variance and support, at a significance
  of {SIGNIFICANCE}.
- **orthogonal**: with the axis named as the rows of a matrix, both are orthogonal with the same gain, and zero off the
  centre where it is named.
- **zeros**: both have the same number of them in each column or row, and the same law elsewhere.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([INTRODUCTION, *(line for table in TABLES for line in section(table))])


def section(table: Table) -> Iterator[str]:
    """Yield the lines about one framework."""
    yield f"## {table.module}\n"
    yield fill(table.introduction, 120, break_long_words=False, break_on_hyphens=False) + "\n"
    yield "| theirs | arrayinit | compared | note |"
    yield "|---|---|---|---|"
    yield from map(line, table.rows)
    yield ""


def line(row: Row) -> str:
    """Return one row, in Markdown."""
    names = ", ".join(f"`{name}`" for name in row.also)
    theirs = f"`{row.theirs}`" + (f", also {names}" if names else "")
    return f"| {theirs} | {f'`{row.ours}`' if row.ours else 'none'} | {row.compared} | {row.note} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
