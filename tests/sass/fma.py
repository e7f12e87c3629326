"""Products and sums that are rounded once, which NumPy does not have."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def fma32(x: Array, y: Array, z: Array, rounding: str = "RN") -> Array:
    """Return ``x * y + z`` in float32, rounded once."""
    # The product is exact in float64. The sum is rounded to odd, so that the second rounding goes as one would.
    odd = add_to_odd(x.astype(np.float64) * y.astype(np.float64), z.astype(np.float64))
    near = odd.astype(np.float32)
    if rounding == "RN":
        return near
    return _directed(near, odd - near.astype(np.float64), rounding)


def _directed(near: Array, rest: Array, rounding: str) -> Array:
    """Return the neighbour on the right side of a number that was rounded to nearest, which left this rest."""
    up = (rest > 0) & (np.signbit(near) if rounding == "RZ" else rounding == "RP")
    down = (rest < 0) & (~np.signbit(near) if rounding == "RZ" else rounding == "RM")
    infinity = near.dtype.type(np.inf)
    return np.where(up, np.nextafter(near, infinity), np.where(down, np.nextafter(near, -infinity), near))


def two_sum(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the rounded sum and its error."""
    s = x + y
    part = s - x
    return s, (x - (s - part)) + (y - part)


def add_to_odd(x: Array, y: Array) -> Array:
    """Return the exact sum if float64 has it; if not, of both neighbours the one whose last bit is 1."""
    s, error = two_sum(x, y)
    bits = s.view(np.int64)
    step = np.where((error > 0) == (s > 0), 1, -1)
    inexact = (bits & 1 == 0) & (error != 0) & np.isfinite(s)
    return np.where(inexact, bits + step, bits).view(np.float64)


def _two_product(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the rounded product and its error, by halves of 26 bits (Dekker, 1971)."""
    x, y = np.broadcast_arrays(x, y)
    halves = []
    for factor in (x, y):
        scaled = factor * 134217729.0
        high = scaled - (scaled - factor)
        halves += [high, factor - high]
    a, b, c, d = halves
    p = x * y
    return p, ((a * c - p) + a * d + b * c) + b * d


def fma64(x: Array, y: Array, z: Array, rounding: str, where: Any = True) -> Array:
    """Return ``x * y + z`` in float64, rounded once (Boldo and Melquiond, Emulation of FMA, 2008)."""
    x, y, z, where = np.broadcast_arrays(x, y, z, where)
    high, low = _two_product(x, y)
    sum_high, sum_low = two_sum(z, low)
    top, rest = two_sum(high, sum_high)
    result = top + add_to_odd(rest, sum_low)
    # The theorem asks for neither overflow nor underflow.
    safe = _middle(x) & _middle(y) & (_middle(z) | (z == 0)) & _middle(high) & (rounding == "RN")
    for place in np.argwhere(where & ~safe):
        at = tuple(place)
        result[at] = _by_fractions(float(x[at]), float(y[at]), float(z[at]), rounding)
    return result


def _middle(x: Array) -> Array:
    size = np.abs(x)
    return (size > 1e-140) & (size < 1e140)


def _by_fractions(x: float, y: float, z: float, rounding: str) -> float:
    if not np.isfinite([x, y, z]).all():
        return x * y + z
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    if exact == 0:
        # The sign is that of the product and the sum; a product that is not zero must have been cancelled.
        return 0.0 if x and y else x * y + z
    try:
        near = float(exact)
    except OverflowError:
        return float("inf") if exact > 0 else float("-inf")
    rest = exact - Fraction(near)
    if rounding == "RN" or not rest:
        return near
    return float(_directed(np.array(near), np.array(1.0 if rest > 0 else -1.0), rounding))
