"""Rounding to 16 bits once. torch, ml_dtypes and CuPy convert through float32, and so round twice."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any

_NARROW = ("float16", "bfloat16")
# float32 cannot hold all numbers of these dtypes.
_WIDE = ("float64", "int32", "int64", "uint32", "uint64")


def host_dtype(dtype: str) -> str:
    """Return the dtype that holds the numbers of ``dtype`` in NumPy, which may lack ``dtype``."""
    return "float32" if dtype == "bfloat16" else dtype


def rounds_twice(given: str, dtype: str) -> bool:
    """Whether a conversion from one dtype to the other through float32 may round twice."""
    return dtype in _NARROW and given in _WIDE


def rounded_on_host(values: np.ndarray[Any, Any], dtype: str) -> np.ndarray[Any, Any]:
    """Return a copy in the `host_dtype`. After the library's conversion to ``dtype``, each value is rounded once."""
    given = host_dtype(values.dtype.name)
    # Overflow to infinity is what rounding does, and is no reason to warn.
    with np.errstate(all="ignore"):
        copy: np.ndarray[Any, Any] = np.array(values, given, order="C")
        if rounds_twice(given, dtype):
            copy = np.asarray(to_odd(np, copy))
        return copy.astype(host_dtype(dtype), copy=False)


def to_odd(xp: Any, wide: Array) -> Array:
    """Return float32 numbers that round to the same 16-bit numbers as ``wide``.

    A number that float32 can hold is kept. Any other number becomes its float32 neighbour whose last bit is 1. This
    neighbour lies on the same side of all 16-bit numbers and of the midpoints between them, none of which ends in 1.
    S. Boldo, G. Melquiond, "Emulation of a FMA and Correctly Rounded Sums: Proved Algorithms Using Rounding to Odd",
    2008.
    """
    exact = xp.astype(within_53_bits(xp, wide), xp.float64)
    near = xp.astype(exact, xp.float32)
    back = xp.astype(near, xp.float64)
    towards_zero = near.view(xp.int32) - xp.astype(abs(back) > abs(exact), xp.int32)
    return (towards_zero | xp.astype(back != exact, xp.int32)).view(xp.float32)


def within_53_bits(xp: Any, wide: Array) -> Array:
    """In large 64-bit integers, replace the last 12 bits by one bit, the highest of the 12, set if any of them was."""
    if wide.dtype not in (xp.int64, xp.uint64):
        return wide
    # Unsigned integers are read as signed ones: large in the same way, or within 2^24 of 2^64, where float64 rounds as
    # well.
    n = wide.view(xp.int64)
    joined = (n & -4096) | (xp.astype((n & 4095) != 0, xp.int64) << 11)
    return xp.where(abs(n) < 1 << 24, n, joined).view(wide.dtype)
