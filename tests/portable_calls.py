"""How the tests of the portable stream compare draws: bit by bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import Case, complete
from float8 import FLOAT8, decoded, encoded
from intervals import interval

# Of orthogonal_, which is a few roundings apart: of float32 for the 16-bit formats, and their own.
TOLERANCE = {
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
    "float32": 2e-5,
    "complex64": 2e-5,
    "float64": 5e-14,
    "complex128": 5e-14,
}


def bits(values: np.ndarray, dtype: str) -> np.ndarray:
    """Return numbers of this dtype as integers; what NumPy lacks comes as numbers of another dtype."""
    if dtype in FLOAT8:
        codes = encoded(values, dtype)
        np.testing.assert_array_equal(decoded(codes, dtype), values)
        return codes
    if dtype == "bfloat16":
        words = values.astype(np.float32).view(np.uint32)
        assert not (words & 0xFFFF).any()
        return words >> 16
    assert values.dtype.name == dtype
    size = values.dtype.itemsize // (2 if values.dtype.kind == "c" else 1)
    return np.ascontiguousarray(values).view(f"uint{8 * size}")


def same_bits(ours: np.ndarray, theirs: np.ndarray, dtype: str) -> None:
    """Raise AssertionError unless two arrays are equal, signs of zeros included."""
    assert ours.shape == theirs.shape
    np.testing.assert_array_equal(bits(ours, dtype), bits(theirs, dtype))


def reference(case: Case, dtype: str, seed: Any = 5) -> np.ndarray:
    """Return what NumPy draws; in 16 bits the float32 numbers, rounded."""
    narrow = dtype in ("float16", "bfloat16")
    values = case.fill(np.empty(case.shape, "float32" if narrow else dtype), seed)
    return rounded(values, dtype, *interval(case.name, case.shape, complete(case))) if narrow else values


def rounded(values: np.ndarray, dtype: str, low: float, high: float) -> np.ndarray:
    """Return the numbers of a 16-bit format within the bounds that are nearest, of two the one whose last bit is 0."""
    patterns = np.arange(1 << 16, dtype=np.uint16)
    as_float = patterns.view(np.float16) if dtype == "float16" else (patterns.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(invalid="ignore"):  # signaling NaNs
        as_float = as_float.astype(np.float64)
    inside = np.isfinite(as_float) & (as_float >= low) & (as_float <= high) & (patterns != 1 << 15)
    order = np.argsort(as_float[inside])
    grid, odd = as_float[inside][order], patterns[inside][order] & 1
    above = np.searchsorted(grid, values).clip(1, len(grid) - 1)
    wide = values.astype(np.float64)
    to_below, to_above = wide - grid[above - 1], grid[above] - wide
    up = (to_above < to_below) | ((to_above == to_below) & (odd[above] == 0))
    nearest = np.where(up, grid[above], grid[above - 1])
    nearest = np.where(nearest == 0, np.copysign(nearest, wide), nearest)
    return nearest.astype(np.float16 if dtype == "float16" else np.float64)
