"""Numbers that are hard to round, and what they round to once, by integer arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from copy_sources import INTEGERS, kind, storage
from float8 import FLOAT8, decoded, encoded, has_infinity, has_negative_zero

from arrayinit.core.dtypes import FORMATS

SIZE = 200


def nearest(value: Any, dtype: str) -> float:
    """Return the nearest number of a format, by integer arithmetic; of two the one whose last bit is 0."""
    form = FORMATS[FORMATS[dtype].real]
    if isinstance(value, (float, np.floating)):
        value = float(value)
        if math.isinf(value) and not has_infinity(form.name):
            return math.nan
        if value == 0 and not has_negative_zero(form.name):
            return 0.0
        if value == 0 or not math.isfinite(value):
            return value
    exact = Fraction(value)
    if exact == 0:
        return 0.0
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent
    quantum = Fraction(2) ** (max(exponent, form.emin) - form.precision + 1)
    rounded = round(size / quantum) * quantum
    if rounded > Fraction(form.max):
        return math.copysign(math.inf if has_infinity(form.name) else math.nan, exact)
    return math.copysign(float(rounded), exact if has_negative_zero(form.name) or rounded else 1)


@cache
def hard(given: str, dtype: str) -> np.ndarray:
    """Return numbers of one dtype at and next to all that matters for rounding them to the other."""
    rng = np.random.default_rng(3)
    if given == "bool":
        return np.array([False, True] * (SIZE // 2))
    if given in INTEGERS:
        limits = np.iinfo(given)
        precision = FORMATS[dtype].precision if kind(dtype) > 1 else 8
        middles = [(1 << k) + (n << (k - precision)) for k in range(precision, 64) for n in (0, 1, 2, 3)]
        values = [sign * (m + d) for m in middles for d in (-1, 0, 1) for sign in (1, -1)]
        fitting = [limits.min, limits.max, *(v for v in values if limits.min <= v <= limits.max)]
        return np.array([fitting[i] for i in rng.integers(len(fitting), size=SIZE - 2)] + fitting[:2], given)
    if kind(given) == 3:
        part = FORMATS[given].real
        numbers = hard(part, FORMATS[dtype].real)
        z = np.empty(SIZE, given)
        z.real, z.imag = numbers, numbers[::-1]
        return z
    form = FORMATS[FORMATS[dtype].real] if kind(dtype) > 1 else FORMATS["float32"]
    exponents = rng.integers(form.emin - form.precision - 2, math.frexp(form.max)[1] + 2, SIZE // 4)
    mantissas = rng.integers(1 << form.precision, 2 << form.precision, SIZE // 4)
    ends = [math.inf, -math.inf, math.nan, 0.0, -0.0, form.max, math.ldexp(1.0, form.emin), 5e-324, 1e308]
    ends += [form.max * (1 + 2.0 ** -(form.precision + 1))] if form.name != "float64" else []
    with np.errstate(all="ignore"):
        middles = np.concatenate([np.ldexp(mantissas.astype(float), exponents - form.precision), ends])
        # To either side by the least, and by what float32 does not see.
        near = [middles, np.nextafter(middles, 0), np.nextafter(middles, np.inf), middles * (1 + 2.0**-30)]
        values = np.concatenate([*near, -middles])[np.newaxis].repeat(1, 0).ravel()
        chosen = np.concatenate([np.array(ends), -np.array(ends), rng.permutation(values)])[:SIZE]
        narrow = chosen.astype(storage(given))
    if given == "bfloat16":
        narrow = (narrow.view(np.uint32) & 0xFFFF0000).view(np.float32)
    if given in FLOAT8:
        narrow = decoded(encoded(narrow, given), given).astype(np.float32)
    return narrow


@cache
def expected(given: str, dtype: str) -> np.ndarray:
    values = hard(given, dtype)
    if kind(dtype) < 2:
        return values.astype(dtype)
    real = np.array([nearest(v.item(), dtype) for v in values.real])
    # float64 holds what all narrower formats hold.
    if kind(dtype) == 2:
        return real.astype(storage(dtype))
    z = np.zeros(SIZE, dtype)
    z.real, z.imag = real, [nearest(v.item(), dtype) for v in values.imag]
    return z


def fitting(given: str, dtype: str) -> bool:
    if kind(given) == kind(dtype) == 1:
        return bool(np.can_cast(given, dtype))
    return kind(given) <= kind(dtype)
