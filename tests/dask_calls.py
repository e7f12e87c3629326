"""How the tests of Dask call each function of the table, and how they compare it with what NumPy has."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import CASES, Case
from portable_calls import TOLERANCE, same_bits

with suppress(ImportError):
    import dask.array as da

FILLS = {str(case): case for case in CASES}
DRAWN = {text: case for text, case in FILLS.items() if case.is_drawn}


def uneven(size: int) -> tuple[int, ...]:
    """Return chunks of an axis, the last of one element."""
    return (size - size // 2 - 1, size // 2, 1) if size > 3 else (size,)


# The chunks of an axis.
CHUNKINGS: dict[str, Callable[[int], Any]] = {"uneven": uneven, "one element": lambda _: 1, "whole": lambda _: -1}


def empty(case: Case, dtype: str = "float32", chunking: Callable[[int], Any] = uneven) -> Any:
    return da.empty(case.shape, dtype=dtype, chunks=tuple(map(chunking, case.shape)))


def fill(case: Case, x: Any, rng: Any = 5) -> Any:
    """Call the function; what is copied into a Dask array is one too, in other chunks."""
    if case.name == "copy_" and isinstance(x, da.Array):
        return case.function(x, da.from_array(case.arguments["source"], chunks=7))
    return case.fill(x, rng)


def need_distributed() -> None:
    """Skip the test where Dask's processes are not installed, unless libraries are asked for, of which Dask is one."""
    if not os.environ.get("ARRAYINIT_TEST_BACKENDS"):
        pytest.importorskip("distributed", reason="distributed is not installed")


def as_numpy(case: Case, values: np.ndarray, rng: Any = 5) -> None:
    """Raise AssertionError unless these are the float32 values that NumPy has for this call."""
    expected = case.fill(np.empty(values.shape, "float32"), rng)
    if case.is_exact:
        same_bits(values, expected, "float32")
    else:
        # A worker's LAPACK may use another number of threads.
        np.testing.assert_allclose(values, expected, rtol=0, atol=2 * TOLERANCE["float32"])
