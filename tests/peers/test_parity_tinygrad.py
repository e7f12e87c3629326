"""The table of tinygrad in docs/parity.md: its interpreter is too slow for samples, so lines are compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from parity import TINYGRAD
from parity_tables import LINE, Row
from peers import peer

import arrayinit

pytestmark = pytest.mark.peers

SHAPE = (2, 3, 2, 2)
NUMBERS = {"a": 0.3, "low": -0.2, "high": 0.5, "mean": 0.1, "std": 0.5}
ROWS = [row for row in TINYGRAD.rows if row.compared == LINE]


def line(plain: Any, drawn: Any) -> tuple[float, float]:
    """Return the slope and the intercept of the line on which all draws lie over the plain draws."""
    plain, drawn = (np.ravel(x).astype(np.float64) for x in (plain, drawn))
    slope, intercept = np.polyfit(plain, drawn, 1)
    np.testing.assert_allclose(slope * plain + intercept, drawn, atol=1e-6)
    return slope, intercept


def theirs(call: str) -> np.ndarray:
    module = peer("tinygrad")
    module.Tensor.manual_seed(3)
    return eval(call, vars(module) | NUMBERS | {"shape": SHAPE}).numpy()


def ours(call: str) -> np.ndarray:
    return eval(call, vars(arrayinit) | NUMBERS | {"x": np.empty(SHAPE, np.float32), "rng": 3})


def lines(row: Row) -> tuple[tuple[float, float], tuple[float, float]]:
    is_normal = "norm" in row.ours or "randn" in row.theirs
    plain = (
        ("Tensor.randn(shape)", "normal_(x, rng=rng)") if is_normal else ("Tensor.rand(shape)", "uniform_(x, rng=rng)")
    )
    return line(theirs(plain[0]), theirs(row.theirs)), line(ours(plain[1]), ours(row.ours))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.theirs)
def test_both_sides_of_the_row_draw_the_same_line(row: Row) -> None:
    one, other = lines(row)
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.theirs)
def test_another_line_is_found(row: Row) -> None:
    one, other = lines(row._replace(ours=f"1.001 * {row.ours}"))
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
