"""Rounding to the narrow formats once. Libraries round twice, since they convert by way of float32.

To 8 bits their conversions also differ: past the largest number torch gives that number, others give NaN or infinity.
So all 8-bit numbers are rounded here, and libraries only get numbers that need no rounding, or bits.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from arrayinit.core.dtypes import FORMATS, FloatFormat

Array = Any
Host = np.ndarray[Any, Any]

_NARROW = frozenset(name for name, form in FORMATS.items() if form.is_narrow)

BYTES = frozenset(name for name, form in FORMATS.items() if form.bits == 8)
"""The formats of 8 bits."""

BEYOND_NUMPY = BYTES | {"bfloat16"}
"""The formats that NumPy lacks. ml_dtypes adds them to NumPy, but may not be there."""

# float32 cannot hold all numbers of these dtypes.
_WIDE = ("float64", "int32", "int64", "uint32", "uint64")


def host_dtype(dtype: str) -> str:
    """Return the dtype that holds the numbers of ``dtype`` in NumPy, which may lack ``dtype``."""
    return "float32" if dtype in BEYOND_NUMPY else dtype


def memory_dtype(dtype: str) -> str:
    """Return NumPy's dtype for memory of ``dtype``: an unsigned integer for a format that NumPy lacks."""
    return f"uint{FORMATS[dtype].bits}" if dtype in BEYOND_NUMPY else dtype


def rounds_twice(given: str, dtype: str) -> bool:
    """Whether a conversion from one dtype to the other through float32 may round twice."""
    return dtype in _NARROW and given in _WIDE


def rounded_on_host(values: Host, dtype: str) -> Host:
    """Return a copy in the `host_dtype`. After the library's conversion to ``dtype``, each value is rounded once."""
    given = host_dtype(values.dtype.name)
    # Overflow to infinity is what rounding does, and is no reason to warn.
    with np.errstate(all="ignore"):
        copy: Host = np.array(values, given, order="C")
        if rounds_twice(given, dtype):
            copy = np.asarray(to_odd(np, copy))
        copy = copy.astype(host_dtype(dtype), copy=False)
        return from_bits(to_bits(np, copy, FORMATS[dtype]), FORMATS[dtype]) if dtype in BYTES else copy


class Rounding(NamedTuple):
    """The integers by which numbers of a wider format are rounded to a narrow one, as `to_bits` does."""

    width: int
    """Bits of the wider format after its exponent."""
    drop: int
    """How many of these bits are dropped."""
    first: int
    """The bits of 2^emin in the wider format."""
    beyond: int
    """The bits of the least power of 2 past the largest narrow number."""
    overflow: int
    """The bits after those of the largest narrow number: infinity, or NaN where there is none."""

    @classmethod
    def of(cls, wide: FloatFormat, dtype: FloatFormat) -> Rounding:
        """Return the integers for two formats."""
        width, bias = wide.precision - 1, 1 - wide.emin
        beyond = math.frexp(dtype.max)[1] + bias
        return cls(width, wide.precision - dtype.precision, (dtype.emin + bias) << width, beyond << width, _past(dtype))


def to_bits(xp: Any, x: Array, dtype: FloatFormat) -> Array:
    """Round float32 or float64 numbers once to a narrow format, and return its bits in integers as wide as ``x``.

    Numbers are rounded to nearest, ties to even. bfloat16 takes no NaN.
    """
    wide = FORMATS["float64" if x.dtype == xp.float64 else "float32"]
    width, drop, first, beyond, overflow = Rounding.of(wide, dtype)
    integer = getattr(xp, f"int{wide.bits}")
    given = x.view(integer)
    if dtype.emin == wide.emin:
        # The exponents are the same: only the last bits are dropped.
        bits = given >> drop
        bits &= 1
        bits += (1 << (drop - 1)) - 1
        bits += given
        bits >>= drop
        return bits
    magnitude = given & ((1 << (wide.bits - 1)) - 1)
    held = xp.clip(magnitude, 0, beyond)
    # A number of the exponent e, at least emin, is rounded to a multiple of 2^(e - precision + 1). The sum with a power
    # of 2 whose last bit has this value is rounded so, and its bits count the multiples.
    exponent = xp.clip(held & (-1 << width), first, beyond)
    power = exponent + (drop << width)
    code = (held.view(x.dtype) + power.view(x.dtype)).view(integer) - power
    code += (exponent - first) >> drop
    code = xp.clip(code, 0, overflow)
    if dtype.has_infinity:
        nan = overflow | (1 << (dtype.precision - 2))
        code = xp.where(magnitude > ((1 << (wide.bits - 1 - width)) - 1) << width, nan, code)
    sign = (given >> (wide.bits - dtype.bits)) & (1 << (dtype.bits - 1))
    return code | sign if dtype.has_negative_zero else code | xp.where(code == 0, 0, sign)


def from_bits(bits: Host, dtype: FloatFormat) -> Host:
    """Return the numbers of bfloat16 or of 8 bits that have these bits, from `to_bits`, as float32."""
    if dtype.bits == 8:
        return np.asarray(_numbers(dtype)[bits])
    numbers: Host = (bits << dtype.bits).view(np.float32)
    return numbers


def _past(dtype: FloatFormat) -> int:
    """Return the bits after those of the largest number."""
    significand, exponent = math.frexp(dtype.max)
    return int(math.ldexp(significand, dtype.precision)) + ((exponent - 1 - dtype.emin) << (dtype.precision - 1)) + 1


@cache
def _numbers(dtype: FloatFormat) -> Host:
    """Return the numbers of a format in the order of their bits."""
    codes = np.arange(1 << (dtype.bits - 1))
    width, exponents = dtype.precision - 1, codes >> (dtype.precision - 1)
    significands = codes - (np.maximum(exponents - 1, 0) << width)
    numbers = np.ldexp(significands.astype(np.float32), np.maximum(exponents - 1, 0) + dtype.emin - width)
    numbers[_past(dtype) :] = np.nan
    if dtype.has_infinity:
        numbers[_past(dtype)] = np.inf
    both = np.concatenate([numbers, -numbers])
    if not dtype.has_negative_zero:
        both[codes.size] = np.nan
    return both


def to_odd(xp: Any, wide: Array) -> Array:
    """Return float32 numbers that round to the same narrow numbers as ``wide``.

    A number that float32 can hold is kept. Any other number becomes its float32 neighbour whose last bit is 1. This
    neighbour lies on the same side of all narrow numbers and of the midpoints between them, none of which ends in 1.
    S. Boldo, G. Melquiond, "Emulation of a FMA and Correctly Rounded Sums: Proved Algorithms Using Rounding to Odd",
    2008.
    """
    exact = xp.astype(within_53_bits(xp, wide), xp.float64)
    near = xp.astype(exact, xp.float32)
    back = xp.astype(near, xp.float64)
    towards_zero = _view(xp, near, xp.int32) - xp.astype(abs(back) > abs(exact), xp.int32)
    return _view(xp, towards_zero | xp.astype(back != exact, xp.int32), xp.float32)


def within_53_bits(xp: Any, wide: Array) -> Array:
    """In large 64-bit integers, replace the last 12 bits by one bit, the highest of the 12, set if any of them was."""
    if wide.dtype not in (xp.int64, xp.uint64):
        return wide
    # Unsigned integers are read as signed ones: large in the same way, or within 2^24 of 2^64, where float64 rounds as
    # well.
    n = _view(xp, wide, xp.int64)
    joined = (n & -4096) | (xp.astype((n & 4095) != 0, xp.int64) * (1 << 11))
    return _view(xp, xp.where(abs(n) < 1 << 24, n, joined), wide.dtype)


def _view(xp: Any, x: Array, dtype: Any) -> Array:
    """Return the bits of ``x`` as another dtype of the same size. TensorFlow has a function for it, and no method."""
    function = getattr(xp, "view", None)
    return x.view(dtype) if function is None else function(x, dtype)
