"""Rounding to 16 bits once: torch, ml_dtypes and CuPy go by way of float32, and round there too."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any

_NARROW = ("float16", "bfloat16")
# Not all of their numbers are numbers of float32.
_WIDE = ("float64", "int32", "int64", "uint32", "uint64")


def host_dtype(dtype: str) -> str:
    """Return the dtype in which NumPy holds the numbers of another, which it may lack."""
    return "float32" if dtype == "bfloat16" else dtype


def rounds_twice(given: str, dtype: str) -> bool:
    """Whether a conversion from one dtype to the other by way of float32 may round there too."""
    return dtype in _NARROW and given in _WIDE


def rounded_on_host(values: np.ndarray[Any, Any], dtype: str) -> np.ndarray[Any, Any]:
    """Return a copy in the `host_dtype`, which a library converts to ``dtype``: each value is rounded once in all."""
    given = host_dtype(values.dtype.name)
    copy: np.ndarray[Any, Any] = np.array(values, given, order="C")
    if rounds_twice(given, dtype):
        copy = np.asarray(to_odd(np, copy))
    return copy.astype(host_dtype(dtype), copy=False)


def to_odd(xp: Any, wide: Array) -> Array:
    """Return numbers in float32 that are rounded to 16 bits as the ``wide`` ones would be.

    What float32 has is kept. Anything else becomes the neighbour whose last bit is 1: on the same side of all numbers
    of 16 bits and of the middles between them, none of which ends so. S. Boldo, G. Melquiond, "Emulation of a FMA and
    Correctly Rounded Sums: Proved Algorithms Using Rounding to Odd", 2008.
    """
    exact = xp.astype(within_53_bits(xp, wide), xp.float64)
    near = xp.astype(exact, xp.float32)
    back = xp.astype(near, xp.float64)
    towards_zero = near.view(xp.int32) - xp.astype(abs(back) > abs(exact), xp.int32)
    return (towards_zero | xp.astype(back != exact, xp.int32)).view(xp.float32)


def within_53_bits(xp: Any, wide: Array) -> Array:
    """Return integers of 64 bits with the last 12 of large ones made one, halfway up if any was set."""
    if wide.dtype not in (xp.int64, xp.uint64):
        return wide
    # The bits, in which unsigned integers are large too, or within 2^24 of 2^64, and float64 rounds as well.
    n = wide.view(xp.int64)
    joined = (n & -4096) | (xp.astype((n & 4095) != 0, xp.int64) << 11)
    return xp.where(abs(n) < 1 << 24, n, joined).view(wide.dtype)
