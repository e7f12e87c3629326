"""The inverse of the normal CDF, without a loop and without a library's transcendental functions.

Nearly everything is a sum of simple fractions, w / (x + s). No product feeds a sum, and each monotone function stays
monotone to the last bit.

The centre in double precision comes from M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal
Distribution", 1988.
"""

from __future__ import annotations

from collections.abc import Callable

from arrayinit.stream.coefficients import (
    DOUBLE,
    DOUBLE_PAIR,
    DOUBLE_TAIL,
    SINGLE,
    SINGLE_TAIL,
    SINGLE_TAIL_CONSTANT,
    Polynomial,
)
from arrayinit.stream.ops import Array, Ops, Select

LOG_2 = 0.6931471805599453


def quantile(ops: Ops, q: Array, p: Callable[[Select], Array]) -> Array:
    """Return z with Phi(z) = 1/2 + q; ``p`` gives 1/2 - |q| to full relative precision where it is small.

    ``q`` may be overwritten before ``p`` is called.
    """
    table = SINGLE if q.dtype == ops.xp.float32 else DOUBLE
    square = ops.no_fma(q * q)
    factor = ops.fractions(table.centre, square)
    factor += table.constant
    q *= factor

    def tail(select: Select) -> Array:
        z = tail_quantile(ops, minus_log2(ops, p(select)))
        # q has been scaled, but keeps its sign.
        return ops.xp.copysign(z, select(q))

    return ops.masked_update(q, square > table.edge, tail)


def tail_quantile(ops: Ops, bits: Array) -> Array:
    """Return z > 0 with -log2 Phi(-z) = ``bits``; overwrites ``bits``."""
    bits *= 2.0 * LOG_2
    r = ops.sqrt(bits)
    if r.dtype == ops.xp.float32:
        less = ops.fractions(SINGLE_TAIL, r)
        less += SINGLE_TAIL_CONSTANT
    else:
        # The pair is so small that its rounding does not matter.
        a, b, c, d = DOUBLE_PAIR
        x = r + c
        pair = (ops.no_fma(x * a) + b) / (ops.no_fma(x * x) + d)
        less = ops.fractions(DOUBLE_TAIL, r) + pair
    r -= less
    return r


def minus_log2(ops: Ops, x: Array) -> Array:
    """Return -log2 x for normal (not subnormal) x > 0; overwrites ``x``."""
    single = x.dtype == ops.xp.float32
    table = SINGLE if single else DOUBLE
    real, integer, width, bias = ("float32", "int32", 23, 127) if single else ("float64", "int64", 52, 1023)
    encoded = ops.bits(x, integer)
    mantissa = encoded & ((1 << width) - 1)
    mantissa |= bias << width
    encoded >>= width
    # This sum is exact for every exponent of a draw.
    result = ops.xp.astype(bias - encoded, x.dtype)
    result += table.exponent
    result += ops.fractions(table.logarithm, ops.bits(mantissa, real))
    return result


def horner(ops: Ops, coefficients: Polynomial, x: Array) -> Array:
    """Return the value of a polynomial; the coefficient of the lowest degree comes first."""
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = ops.no_fma(value * x) + coefficient
    return value
