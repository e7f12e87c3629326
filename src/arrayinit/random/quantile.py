"""The inverse of the normal CDF, without a loop and without a library's transcendental functions.

Nearly everything is a sum of simple fractions, w / (x + s): no product feeds a sum, and what should be monotone is, to
the last bit.

The centre in double precision is that of M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal
Distribution", 1988.
"""

from __future__ import annotations

from collections.abc import Callable

from arrayinit.random.arithmetic import Arithmetic, Array, Pick
from arrayinit.random.coefficients import (
    DOUBLE,
    DOUBLE_PAIR,
    DOUBLE_TAIL,
    SINGLE,
    SINGLE_TAIL,
    SINGLE_TAIL_CONSTANT,
    Fractions,
    Polynomial,
)

LOG_2 = 0.6931471805599453


def quantile(use: Arithmetic, q: Array, p: Callable[[Pick], Array]) -> Array:
    """Return z with Phi(z) = 1/2 + q; ``p`` gives 1/2 - |q|, where it is small, to its own relative precision."""
    table = SINGLE if q.dtype == use.xp.float32 else DOUBLE
    square = use.rounded(q * q)
    z = _fractions(use, table.centre, square)
    z += table.constant
    z *= q

    def tail(pick: Pick) -> Array:
        return use.xp.copysign(tail_quantile(use, minus_log2(use, p(pick))), pick(q))

    return use.patch(z, square > table.edge, tail)


def tail_quantile(use: Arithmetic, bits: Array) -> Array:
    """Return z > 0 with -log2 Phi(-z) = ``bits``."""
    r = use.sqrt(bits * (2.0 * LOG_2))
    if r.dtype == use.xp.float32:
        return r - (_fractions(use, SINGLE_TAIL, r) + SINGLE_TAIL_CONSTANT)
    # Too small for what rounding does to it to matter.
    a, b, c, d = DOUBLE_PAIR
    x = r + c
    pair = (use.rounded(x * a) + b) / (use.rounded(x * x) + d)
    return r - (_fractions(use, DOUBLE_TAIL, r) + pair)


def minus_log2(use: Arithmetic, x: Array) -> Array:
    """Return -log2 x for normal numbers x > 0."""
    single = x.dtype == use.xp.float32
    table = SINGLE if single else DOUBLE
    real, integer, width, bias = ("float32", "int32", 23, 127) if single else ("float64", "int64", 52, 1023)
    encoded = use.bits(x, integer)
    mantissa = use.bits((encoded & ((1 << width) - 1)) | (bias << width), real)
    # Exact, for any exponent that a draw has.
    exponent = use.xp.astype(bias - (encoded >> width), x.dtype) + table.exponent
    return exponent + _fractions(use, table.logarithm, mantissa)


def _fractions(use: Arithmetic, table: Fractions, x: Array) -> Array:
    # The smallest first.
    total = use.over(table[-1][0], x + table[-1][1])
    for w, s in table[-2::-1]:
        total += use.over(w, x + s)
    return total


def horner(use: Arithmetic, coefficients: Polynomial, x: Array) -> Array:
    """Return the polynomial, lowest degree first."""
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = use.rounded(value * x) + coefficient
    return value
