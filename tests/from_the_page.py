"""The stream of docs/portable-stream.md, one element at a time, written from the page alone."""

import math

import numpy as np
from from_the_page_scalars import LOG2, bits_of, clip, compute_format, read_tables, truncated_scalars
from from_the_page_words import word

TABLE = read_tables()
quiet = np.errstate(all="ignore")


# Numbers from a word.


class Numbers:
    """The numbers of one word, and the functions of the compute format."""

    def __init__(self, dtype, w):
        self.F, self.bits, self.b, self.p = compute_format(dtype)
        self.w, self.name = w, self.F.__name__
        self.shift, self.complement = self.bits - self.b, w ^ (1 << self.bits) - 1

    def m(self, k):
        return (self.F(k) + self.F(0.5)) * self.F(2.0**-self.b)

    def fraction(self):
        return self.F(self.w >> self.bits - self.p) * self.F(2.0**-self.p)

    def lower(self):
        return self.m(self.w >> self.shift)

    def upper(self):
        return self.m(self.complement >> self.shift)

    def offset(self):
        return self.m((self.w >> self.shift) - 2 ** (self.b - 1))

    def tail(self):
        return self.m(min(self.w, self.complement) >> self.shift)

    def table(self, name):
        return TABLE[f"{self.name} {name}"]

    def total(self, name, x):
        terms = [self.F(w) / (x + self.F(s)) for w, s in reversed(self.table(name))]
        return sum(terms[1:], terms[0])

    def horner(self, coefficients, x):
        value = self.F(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            value = value * x + self.F(c)
        return value

    def minus_log2(self, x):
        y, e = math.frexp(x)
        return (self.F(1 - e) + self.F(self.table("exponent"))) + self.total("logarithm", self.F(2 * y))

    def use_series(self, y):
        return self.horner([1 / (k * LOG2) for k in range(1, 8)], y) * y

    def tail_quantile(self, x):
        F = self.F
        r = np.sqrt(x * F(2 * LOG2))
        if F is np.float32:
            return r - (self.total("tail", r) + F(self.table("constant_tail")))
        a, b, c, d = map(F, self.table("a, b, c, d"))
        x = r + c
        return r - (self.total("tail", r) + (x * a + b) / (x * x + d))

    def quantile(self, q, t):
        v = q * q
        if v <= self.F(self.table("edge")):
            return (self.total("centre", v) + self.F(self.table("constant"))) * q
        return np.copysign(self.tail_quantile(self.minus_log2(t)), q)

    def z(self):
        return self.quantile(self.offset(), self.tail())

    def circle(self):
        k = (self.w & (1 << self.bits - 2) - 1) - (1 << self.bits - 3)
        turn = self.m(k >> self.shift)
        terms = 6 if self.F is np.float32 else None
        v = turn * turn
        cosine, sine = self.horner(TABLE["C"][:terms], v), self.horner(TABLE["S"][:terms], v) * turn
        return [(cosine, sine), (-sine, cosine), (-cosine, -sine), (sine, -cosine)][self.w >> self.bits - 2]


def numbers(key, index, dtype, stream=0):
    return Numbers(dtype, word(key, stream, index, compute_format(dtype)[1]))


# The draws: the bits of the element with that index.


@quiet
def uniform(key, index, dtype, a, b):
    n = numbers(key, index, dtype)
    if b == -a != 0:
        x = (n.fraction() - n.F(0.5)) * n.F(b - a)
    else:
        x = n.fraction() * n.F(b - a)
        x = x + n.F(a) if a else x
    return bits_of(clip(x, a, b, dtype, below=dtype in {"float32", "float64"}), dtype)


@quiet
def normal(key, index, dtype, mean, std):
    n = numbers(key, index, dtype)
    if not std:
        return bits_of(n.F(mean) + n.F(0), dtype)
    x = n.z() * n.F(std)
    return bits_of(x + n.F(mean) if mean else x, dtype)


def surprise(n, s, inner, outer):
    if s.mass < 2**-8:
        return n.use_series(inner * n.F(s.mass))
    return n.minus_log2(outer * n.F(s.mass) + n.F(s.rest))


def inside(n, s, mean, std):
    """The truncated draw before it is clipped."""
    F, lower, upper = n.F, n.lower(), n.upper()
    if s.region == "central":
        below, above = lower * F(s.W) + F(s.A), upper * F(s.W) + F(s.B)
        t = min(below, above)
        z = n.quantile(t - F(0.5) if below < above else F(0.5) - t, t)
        return z * F(std) + F(mean)
    inner, outer = (lower, upper) if s.mirrored else (upper, lower)
    if s.region == "narrow":
        g = inner * F(s.G)
        return -(n.horner(s.S, g) * g) * F(s.scale) + F(s.near)
    x = surprise(n, s, inner, outer)
    if s.region == "tail":
        return -n.tail_quantile(x + F(s.start)) * F(s.scale) + F(mean)
    h = x * F(s.h)
    t = h + n.minus_log2(F(1) + h) * F(s.half)
    return -t / (np.sqrt(F(1) + t) + F(1)) * F(s.scale) + F(s.near)


@quiet
def truncated(key, index, dtype, mean, std, a, b):
    n = numbers(key, index, dtype)
    x = inside(n, truncated_scalars(mean, std, a, b), mean, std)
    return bits_of(clip(x, a, b, dtype, below=False), dtype)


def parts(dtype):
    return "float32" if dtype == "complex64" else "float64"


@quiet
def complex_normal(key, index, dtype, mean, std):
    """The bits of the real and of the imaginary part."""
    if not std:
        return normal(key, index, parts(dtype), mean, std), 0
    x, y = (n.z() * n.F(std / math.sqrt(2)) for n in (numbers(key, index, dtype, s) for s in (0, 1)))
    x = x + x.dtype.type(mean) if mean else x
    return bits_of(x, parts(dtype)), bits_of(y, parts(dtype))


@quiet
def complex_uniform(key, index, dtype, centre, radius):
    """The bits of the real and of the imaginary part."""
    n = numbers(key, index, dtype)
    r = np.sqrt(n.lower()) * n.F(radius)
    x, y = (r * side for side in numbers(key, index, dtype, 1).circle())
    return bits_of(x + n.F(centre) if centre else x, parts(dtype)), bits_of(y, parts(dtype))


@quiet
def complex_truncated(key, index, dtype, std):
    """The bits of the real and of the imaginary part."""
    n = numbers(key, index, dtype)
    within, beyond = (n.F(share) for share in TABLE["within, beyond"])
    y = n.lower() * within
    t = n.use_series(y) if y < 2**-8 else n.minus_log2(n.upper() * within + beyond)
    r = min(np.sqrt(t * n.F(LOG2)), n.F(2)) * n.F(std)
    x, y = (r * side for side in numbers(key, index, dtype, 1).circle())
    return bits_of(x, parts(dtype)), bits_of(y, parts(dtype))


def sparse(key, dtype, shape, sparsity, std):
    """The bits of all elements, in C order."""
    rows, columns = shape
    bits = [normal(key, i, dtype, 0, std) for i in range(rows * columns)]
    for j in range(columns):
        order = sorted(range(rows), key=lambda i: (word(key, 2, j * rows + i, 32), i))
        for i in order[: math.ceil(sparsity * rows)]:
            bits[i * columns + j] = 0
    return bits
