"""docs/parity.md, made of the tables that tests/peers/test_parity.py checks; run it to write the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from distributions import SIGNIFICANCE, SIZE
from parity_keras_mlx import KERAS, MLX
from parity_others import PADDLE, PADDLE_INIT, TENSORFLOW, TINYGRAD
from parity_tables import FLAX, JAX, TORCH, Row, Table

PAGE = Path(__file__).parents[1] / "docs" / "parity.md"
TABLES = (TORCH, JAX, FLAX, KERAS, TENSORFLOW, MLX, PADDLE, PADDLE_INIT, TINYGRAD)

INTRODUCTION = f"""\
# Parity

For each initializer of another framework, this page shows the call of arrayinit that does the same. The notes say where
one name means two things. `x` is the array to fill, of any library. The tests run both sides of each row with the
installed frameworks. The column "compared" says how the results agree:

- **same bits**: every element is equal. Random initializers start from the same state of the same generator. torch, JAX
  and Flax are compared in float32 and float64, the others in float32.
- **same distribution**: two samples of {2 * SIZE} agree in distribution, mean, variance and support, at a significance
  of {SIGNIFICANCE}.
- **orthogonal, by an axis**: both are orthogonal matrices with the same gain. The rows of the matrix are this axis.
- **zeros**: both have the same number of zeros in each column or row, and the same distribution elsewhere.
- **same line**: each library maps a plain draw, uniform on [0, 1) or standard normal, to `slope * draw + intercept`.
  Both have the same slope and intercept.
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
