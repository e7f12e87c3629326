"""The scalars of docs/portable-stream.md, written from the page alone: nothing here knows the library."""

import decimal
import functools
import math
import struct
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np

TEXT = (Path(__file__).parents[1] / "docs" / "portable-stream.md").read_text(encoding="utf-8")
LOG2 = 0.6931471805599453


def blocks():
    """The lines of the two fenced blocks of the page: its tables and its vectors."""
    return [part.strip("\n").split("\n") for part in TEXT.split("```")[1::2]]


def read_tables():
    """Every printed table and scalar, as the floats that are printed: table["float32 centre"] is a list of pairs."""
    table = {}
    rows = []
    for line in blocks()[0]:
        if line.startswith(" "):
            numbers = tuple(map(float, line.split(",")))
            rows.append(numbers if len(numbers) > 1 else numbers[0])
        elif line.endswith(":"):
            rows = table[line[:-1]] = []
        else:
            name, scalars = line.split(": ")
            for scalar in scalars.split(", "):
                word, value = scalar.split(" ")
                table[f"{name} {word}"] = float(value)
    return table


def exact(x):
    """A fraction or a float as a decimal of the precision of the context."""
    x = Fraction(x)
    return Decimal(x.numerator) / Decimal(x.denominator)


def arctan_of_inverse(n):
    total = term = Decimal(1) / n
    k = 1
    while term:
        term = -term / (n * n)
        k += 2
        if total + term / k == total:
            return total
        total += term / k
    return total


def density(x):
    """The density of the normal distribution."""
    pi = 16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)
    return (-x * x / 2).exp() / (2 * pi).sqrt()


def cumulative(x, digits=60):
    """Phi of a fraction or of an infinity to that many digits: by the series 1/2 + density * (x + x^3 / 3 + ...)."""
    if x > 60:
        # The series would need many terms.
        return 1 - cumulative(-x, digits)
    if x < -1000:
        return Decimal(0)
    x = Fraction(x)
    # The series cancels to what is left of 1/2. Below -60 there is a continued fraction.
    lost = int(float(x * x) * 0.22) + 10 if -60 <= x < 0 else 0
    with decimal.localcontext(prec=digits + lost + 10, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX):
        y = exact(x)
        if x < -60:
            fraction = y
            for k in range(200, 0, -1):
                fraction = y + k / fraction
            return density(y) / -fraction
        total = term = y
        n = 1
        while term:
            n += 2
            term = term * y * y / n
            if total + term == total:
                break
            total += term
        return Decimal(1) / 2 + density(y) * total


@functools.cache
def truncated_scalars(mean, std, a, b):
    """The region of the page that the interval is in, and its scalars in float64."""
    finite = [None if math.isinf(x) else (Fraction(x) - Fraction(mean)) / Fraction(std) for x in (a, b)]
    alpha, beta = (x if y is None else y for x, y in zip((a, b), finite, strict=True))
    width = math.inf if None in finite else beta - alpha
    with decimal.localcontext(prec=60, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX):
        if width >= Fraction(1, 1024) and alpha < 2 and beta > -2:
            A, B = cumulative(alpha), cumulative(-beta)
            return SimpleNamespace(region="central", A=float(A), B=float(B), W=float(1 - A - B))
        mirrored = alpha > -beta
        if mirrored:
            alpha, beta = -beta, -alpha
        s = SimpleNamespace(mirrored=mirrored, near=a if mirrored else b, scale=-std if mirrored else std)
        if beta < -37:
            return extreme(s, mean, beta, width)
        if width < Fraction(1, 1024):
            return narrow(s, alpha, beta, width)
        s.region = "tail"
        P, Q = cumulative(alpha), cumulative(beta)
        s.rest, s.mass, s.start = float(P / Q), float(1 - P / Q), float(-Q.ln() / Decimal(2).ln())
        return s


def extreme(s, mean, beta, width):
    s.region = "extreme"
    y = exact(beta)
    if width == math.inf:
        rest = Decimal(0)
    else:
        w = exact(width)
        rest = (-w * (w / 2 - y)).exp() / (1 - w / y)
    s.rest, s.mass = float(rest), float(1 - rest)
    c = float(2 / (y * y))
    s.h, s.half = c * LOG2, c * (LOG2 / 2)
    s.scale = math.copysign(float(min(abs(Fraction(s.near) - Fraction(mean)), Fraction(2) ** 1023)), s.scale)
    return s


def narrow(s, alpha, beta, width):
    s.region = "narrow"
    # Twice the digits that the difference cancels.
    digits = 60 + 2 * max(0, width.denominator.bit_length() - width.numerator.bit_length())
    with decimal.localcontext(prec=digits):
        difference = cumulative(beta, digits) - cumulative(alpha, digits)
        s.G = float(difference / density(exact(beta)))
    h = float(beta)
    s.S = [1.0, -h / 2, (1 + 2 * h * h) / 6, -h * (7 + 6 * h * h) / 24]
    return s


# Formats. An ordinal counts the numbers of a format from 0; that of a positive number is its bits.


def compute_format(dtype):
    """The type of the compute format, and b', b and p."""
    return (np.float64, 64, 53, 53) if dtype in {"float64", "complex128"} else (np.float32, 32, 32, 24)


def read_formats():
    """The bits of M, the bias and the code after the greatest number's, for each float8 of the page."""
    rows = (line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| float8_"))
    return {name: (int(m), int(bias), int(code[:2], 16)) for name, _, m, bias, _, code in rows}


FLOAT8 = read_formats()


def value(ordinal, dtype):
    """The number with that ordinal, as a Python float."""
    if dtype in FLOAT8:
        m, bias, beyond = FLOAT8[dtype]
        E, M = divmod(abs(ordinal), 1 << m)
        size = math.ldexp(1 + M / 2**m, E - bias) if E else math.ldexp(M / 2**m, 1 - bias)
        return math.copysign(math.inf if abs(ordinal) >= beyond else size, ordinal)
    integer, floating = {"bfloat16": "If", "float16": "He", "float32": "If", "float64": "Qd"}[dtype]
    n = abs(ordinal) << (16 if dtype == "bfloat16" else 0)
    x = struct.unpack("<" + floating, struct.pack("<" + integer, n))[0]
    return -x if ordinal < 0 else x


def least(accept, dtype):
    """The least ordinal whose number is accepted, if the numbers above it are; one above infinity's if none is."""
    infinity = {"bfloat16": 0x7F80, "float16": 0x7C00, "float32": 0x7F800000, "float64": 0x7FF << 52}.get(dtype)
    infinity = FLOAT8[dtype][2] if dtype in FLOAT8 else infinity
    low, high = -infinity, infinity + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if accept(value(middle, dtype)) else (middle + 1, high)
    return low


@functools.cache
def limits(a, b, dtype, below):
    """The numbers to clip to: the least that is at least a, the largest that is below b, or at most b."""
    low = least(lambda v: v >= a, dtype)
    high = least(lambda v: v >= b if below else v > b, dtype) - 1
    if low > high:
        if a != b:
            raise ValueError(f"no {dtype} lies between {a} and {b}")
        # The nearest number, and of two the even one.
        low = high = min((abs(Fraction(value(n, dtype)) - Fraction(a)), n % 2, n) for n in (low - 1, low))[2]
    # A zero has the sign of its bound.
    return tuple(value(n, dtype) if n else math.copysign(0.0, x) for n, x in ((low, a), (high, b)))


def clip(x, a, b, dtype, below):
    low, high = (type(x)(y) for y in limits(a, b, dtype, below))
    return max(min(x, high), low)


def bits_of_float8(x, dtype):
    m, bias, beyond = FLOAT8[dtype]
    sign, size = (0x80 if math.copysign(1, x) < 0 else 0), abs(float(x))
    exponent = max(math.frexp(size)[1] - 1, 1 - bias) if size else 1 - bias
    # Python rounds ties to even too.
    multiples = round(math.ldexp(size, m - exponent))
    code = min(multiples + (exponent + bias - 1 << m), beyond)
    return code if dtype.endswith("fnuz") and code == 0 else code | sign


def bits_of(x, dtype):
    if dtype in FLOAT8:
        return bits_of_float8(x, dtype)
    if dtype == "bfloat16":
        n = int(x.view(np.uint32))
        # One less than half a unit, and the last bit of the result: ties go to even.
        return n + 0x7FFF + (n >> 16 & 1) >> 16
    x = np.dtype(dtype).type(x)
    return int(x.view(f"u{x.itemsize}"))
