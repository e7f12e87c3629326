"""The numbers of the 8-bit formats, and rounding to them by a search: nothing here knows the library."""

from __future__ import annotations

from functools import cache

import numpy as np

# Bits of the exponent and of the significand after it, the bias, and how many of the largest positive codes are no
# finite numbers.
FORMATS = {
    "float8_e4m3fn": (4, 3, 7, 1),
    "float8_e5m2": (5, 2, 15, 4),
    "float8_e4m3fnuz": (4, 3, 8, 0),
    "float8_e5m2fnuz": (5, 2, 16, 0),
}
FLOAT8 = tuple(FORMATS)


@cache
def finite(name: str) -> np.ndarray:
    """Return the finite numbers from 0 upwards: the index of each is its code."""
    exponent, width, bias, others = FORMATS[name]
    codes = np.arange((1 << (exponent + width)) - others)
    high, low = np.divmod(codes, 1 << width)
    return np.where(high > 0, (1 + low / 2**width) * 2.0 ** (high - bias), low / 2**width * 2.0 ** (1 - bias))


def has_infinity(name: str) -> bool:
    return name not in FORMATS or FORMATS[name][3] > 1


def has_negative_zero(name: str) -> bool:
    return not name.endswith("uz")


def decoded(codes: np.ndarray, name: str) -> np.ndarray:
    """Return numbers in float64."""
    numbers = finite(name)
    rest = [np.inf] * has_infinity(name) + [np.nan] * (128 - len(numbers) - has_infinity(name))
    half = np.concatenate([numbers, rest])
    table = np.concatenate([half, -half])
    if not has_negative_zero(name):
        table[128] = np.nan
    return table[codes]


def encoded(values: np.ndarray, name: str) -> np.ndarray:
    """Return the codes of the nearest numbers, of two of the one whose last bit is 0. A NaN keeps its sign."""
    wide = np.asarray(values).astype(np.float64)
    numbers = finite(name)
    # The next number, if there were one, decides what overflows.
    step = numbers[-1] - numbers[-2]
    middles = np.append(numbers[1:] + numbers[:-1], 2 * numbers[-1] + step) / 2
    size = np.abs(wide)
    code = np.searchsorted(middles, size)
    ties = middles[np.minimum(code, len(middles) - 1)] == size
    code = np.where(ties & (code % 2 == 1), code + 1, code)
    is_nan = np.isnan(wide)
    code = np.where(is_nan, len(numbers) + 2 * has_infinity(name), code)
    negative = np.signbit(wide)
    if not has_negative_zero(name):
        negative &= (code > 0) & (code < 128)
    return (code | (negative * 128)).astype(np.uint8)
