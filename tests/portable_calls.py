"""The draws that the tests of the portable stream make on every library, and how they compare them: bit by bit."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from libraries import REAL

import arrayinit

# Enough elements for each branch of the transforms; the rows begin anywhere in a block of the counter.
KERNEL, MATRIX = (30, 21, 5, 7), (211, 103)
# (mean, std, a, b): each way of inverting, and bounds on either side and on none.
TRUNCATED = (
    (0.0, 1.0, -2.0, 2.0),
    (0.0, 1.0, 2.0, 3.0),
    (0.0, 1.0, 0.0, 10.0),
    (0.0, 0.02, 0.6, 100.0),
    (0.0, 1.0, -40.0, -39.0),
    (5.0, 2.0, -math.inf, 4.0),
    (0.0, 1.0, -1e-6, 1e-6),
)


class Draw(NamedTuple):
    """How a function is called, and the bounds of its draws in real dtypes."""

    name: str
    arguments: tuple[Any, ...] = ()
    bounds: tuple[float, float] = (-math.inf, math.inf)
    shape: tuple[int, ...] = KERNEL

    def fill(self, x: Any, seed: Any = 5) -> Any:
        return getattr(arrayinit, self.name)(x, *self.arguments, rng=seed)

    def takes(self, dtype: str) -> bool:
        return self.name != "trunc_normal_" or dtype in REAL


def _symmetric(bound: float) -> tuple[float, float]:
    return -bound, bound


_FAN_IN, _FAN_OUT = 21 * 35, 30 * 35
_TRUNCATED_STD = math.sqrt(1.5 / ((_FAN_IN + _FAN_OUT) / 2)) / 0.87962566103423978

DRAWS = {
    "uniform_": Draw("uniform_", (), (0, 1)),
    "uniform_(-0.3, 0.3)": Draw("uniform_", (-0.3, 0.3), (-0.3, 0.3)),
    "uniform_(-0.3, 0.7)": Draw("uniform_", (-0.3, 0.7), (-0.3, 0.7)),
    "normal_": Draw("normal_"),
    "normal_(0, 0.02)": Draw("normal_", (0.0, 0.02)),
    "normal_(0.5, 0.3)": Draw("normal_", (0.5, 0.3)),
    **{f"trunc_normal_{case}": Draw("trunc_normal_", case, case[2:]) for case in TRUNCATED},
    "xavier_uniform_": Draw("xavier_uniform_", (1.5,), _symmetric(1.5 * math.sqrt(6 / (_FAN_IN + _FAN_OUT)))),
    "xavier_normal_": Draw("xavier_normal_", (1.5,)),
    "kaiming_uniform_": Draw("kaiming_uniform_", (0.1, "fan_out"), _symmetric(math.sqrt(6 / 1.01 / _FAN_OUT))),
    "kaiming_normal_": Draw("kaiming_normal_", (0.1, "fan_out")),
    "variance_scaling_": Draw("variance_scaling_", (1.5, "fan_avg"), _symmetric(2 * _TRUNCATED_STD)),
    "lecun_uniform_": Draw("lecun_uniform_", (), _symmetric(math.sqrt(3 / _FAN_IN))),
    "sparse_(0.3)": Draw("sparse_", (0.3,), shape=MATRIX),
    "sparse_(0.8)": Draw("sparse_", (0.8, 0.5), shape=MATRIX),
}

# Those that differ from each other in more than their scale.
DISTRIBUTIONS = {
    name: draw for name, draw in DRAWS.items() if draw.name in ("uniform_", "normal_", "trunc_normal_", "sparse_")
}


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
    """Return numbers of this dtype as integers; bfloat16 comes as numbers of another."""
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


def reference(draw: Draw, dtype: str, seed: Any = 5) -> np.ndarray:
    """Return what NumPy draws; in 16 bits the float32 numbers, rounded."""
    narrow = dtype in ("float16", "bfloat16")
    values = draw.fill(np.empty(draw.shape, "float32" if narrow else dtype), seed)
    return rounded(values, dtype, *draw.bounds) if narrow else values


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
