"""docs/portable-stream.md is complete: what tests/from_the_page.py computes from it alone is what the library fills."""

import math
import random
import re

import numpy as np
import pytest
from from_the_page import (
    complex_normal,
    complex_truncated,
    complex_uniform,
    normal,
    sparse,
    truncated,
    uniform,
)
from from_the_page_scalars import FLOAT8, blocks, limits, truncated_scalars
from from_the_page_words import fold_in, key, word
from golden import Bits
from specification import PAGE, block, tables, vectors

import arrayinit

pytestmark = pytest.mark.usefixtures("numpy_library")

REAL = {"float16": "u2", "float32": "u4", "float64": "u8", **dict.fromkeys(FLOAT8, "u1")}
COMPLEX = {"complex64": "u4", "complex128": "u8"}


def integer(text):
    return sum(2 ** int(term[2:]) if term.startswith("2^") else int(term) for term in text.split(" + "))


def key_of(text):
    if text.startswith("fold_in("):
        seed, *parts = text[8:-1].split(", ")
        return key(integer(seed), fold_in(*(p.strip('"') if p.startswith('"') else integer(p) for p in parts)))
    return key([integer(n) for n in text[1:-1].split(", ")] if text.startswith("[") else integer(text))


def lines():
    """What each line of the vectors is about, and its hexadecimal numbers; words follow the line of their key."""
    seed = ""
    for line in blocks()[1]:
        what, numbers = line.rsplit(": ", 1)
        seed = what if line.startswith("key of") else seed
        yield (f"{seed}, {what.strip()}" if line.startswith(" ") else what), numbers.split()


def words_on_the_line(what):
    seed, _, rest = what.removeprefix("key of ").rpartition(", ")
    if not rest[:2].isdigit() or "-bit words" not in rest:
        return key_of(what.removeprefix("key of "))
    bits = int(rest[:2])
    stream = int(rest.rsplit(" ", 1)[1]) if "stream" in rest else 0
    first, last = (integer(n) for n in re.search(r"words (.+) to (.+?)(?: of stream|$)", rest).groups())
    return [word(key_of(seed), stream, i, bits) for i in range(first, last + 1)]


def draws_on_the_line(what):
    seed, dtype, draw = what.split(", ", 2)
    k = key(integer(seed.removeprefix("seed ")))
    if draw.startswith("sparse_"):
        return sparse(k, dtype, (5, 3), 0.5, 0.01)
    if draw.startswith("kaiming_uniform_"):
        bound = math.sqrt(3) * (math.sqrt(2) / math.sqrt(4))
        # The layout is "...IO": the logical array has the axes in the opposite order.
        return [uniform(k, 4 * o + 2 * i + n, dtype, -bound, bound) for n in (0, 1) for i in (0, 1) for o in (0, 1)]
    numbers = [float(n) for n in re.findall(r"-?(?:inf|\d[\d.]*(?:e-\d+)?)", draw.split(", elements")[0])]
    kind = draw.split(" ", 1)[0]
    if "disk" in draw:
        a, b = numbers
        return [part for i in range(5) for part in complex_uniform(k, i, dtype, (a + b) / 2, (b - a) / 2)]
    if dtype in COMPLEX and kind == "truncated,":
        return [part for i in range(5) for part in complex_truncated(k, i, dtype, *numbers)]
    if dtype in COMPLEX:
        return [part for i in range(5) for part in complex_normal(k, i, dtype, *numbers)]
    draw = {"uniform": uniform, "normal": normal, "truncated": truncated}[kind]
    return [draw(k, i, dtype, *numbers) for i in range(5)]


@pytest.mark.parametrize(("what", "numbers"), [pytest.param(*line, id=line[0]) for line in lines()])
def test_every_vector_of_the_page_follows_from_its_text(what, numbers):
    bits = words_on_the_line(what) if what.startswith("key of") else draws_on_the_line(what)
    assert [f"{n:0{len(numbers[0])}x}" for n in bits] == numbers


@pytest.mark.parametrize("part", [tables, vectors])
def test_the_page_prints_what_the_code_computes(part):
    assert block(part()) in PAGE.read_text(encoding="utf-8")


def empty(shape, dtype):
    return Bits(shape, dtype) if dtype in FLOAT8 else np.empty(shape, dtype)


def bits(x):
    return [int(n) for n in (x.numbers if isinstance(x, Bits) else x.view((REAL | COMPLEX)[x.dtype.name])).ravel()]


def seeded(*names):
    """A generator of cases that depends on the test only."""
    return random.Random("-".join(map(str, names)))


def some_bounds(r, region, mirrored):
    """Bounds of the truncated normal distribution, in units of std."""
    if region == "central":
        a, b = r.choice([-math.inf, r.uniform(-6, 1.99)]), r.choice([math.inf, r.uniform(-1.99, 6)])
    else:
        b = {"tail": r.uniform(-36.9, -1), "narrow": r.uniform(-36.9, 2), "extreme": -(10 ** r.uniform(1.6, 4))}[region]
        if region == "narrow":
            b = r.choice([b, 0.0, 1e-6])
            a = b - 10 ** r.uniform(-12, -3.02)
        else:
            a = r.choice([-math.inf, b - 10 ** r.uniform(-2.9, 2)])
    return (-b, -a) if mirrored else (a, b)


def truncated_cases(count, dtype, region, mirrored):
    r = seeded(dtype, region, mirrored)
    while count:
        mean, std = r.choice([0.0, 0.0, 1.5, -7.25]), r.choice([1.0, 0.02, 3.0])
        a, b = (mean + std * x for x in some_bounds(r, region, mirrored))
        try:
            limits(a, b, dtype, below=False)
            s = truncated_scalars(mean, std, a, b)
        except ValueError:
            # Too narrow for the format.
            continue
        greatest = 200 if dtype in FLOAT8 else math.inf
        if not all(abs(x) <= greatest or math.isinf(x) for x in (a, b)):
            continue
        if a < b and s.region == region and getattr(s, "mirrored", mirrored) == mirrored:
            count -= 1
            yield r.randrange(2**80), mean, std, a, b


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("region", ["central", "extreme", "narrow", "tail"])
@pytest.mark.parametrize("dtype", REAL)
def test_the_library_draws_the_truncated_normal_of_the_page(dtype, region, mirrored):
    for seed, *parameters in truncated_cases(6, dtype, region, mirrored):
        x = arrayinit.trunc_normal_(empty((5,), dtype), *parameters, rng=seed)
        assert bits(x) == [truncated(key(seed), i, dtype, *parameters) for i in range(5)], (seed, parameters)


@pytest.mark.parametrize("dtype", REAL)
def test_the_library_draws_the_uniform_and_the_normal_of_the_page(dtype):
    r = seeded(dtype)
    for _ in range(15):
        seed, k = (n := r.randrange(2**80)), key(n)
        a = r.choice([0.0, -r.random(), r.uniform(-9, 9)])
        b = r.choice([-a, a + 1]) if a < 0 else a + r.uniform(0.1, 9)
        # The numbers of 8 bits lie far apart.
        b = b + 4 * (dtype in FLOAT8 and b != -a)
        x = arrayinit.uniform_(empty((2, 3), dtype), a, b, rng=seed)
        assert bits(x) == [uniform(k, i, dtype, a, b) for i in range(6)], (seed, a, b)
        mean, std = r.choice([0.0, a]), r.choice([0.0, 10 ** r.uniform(-3, 1)])
        x = arrayinit.normal_(empty((2, 3), dtype), mean, std, rng=seed)
        assert bits(x) == [normal(k, i, dtype, mean, std) for i in range(6)], (seed, mean, std)


@pytest.mark.parametrize("bounds", [(-1e-9, 1e-9), (-1e-9, 0.0), (-1e-9, -1e-9), (0.0, 0.0), (0.1, 0.1), (-0.1, -0.1)])
def test_the_library_clips_to_the_bounds_as_the_page_does(bounds):
    x = arrayinit.uniform_(np.empty(8, np.float16), *bounds, rng=3)
    assert bits(x) == [uniform(key(3), i, "float16", *bounds) for i in range(8)]
    x = arrayinit.trunc_normal_(np.empty(8, np.float16), 0.0, 1.0, *bounds, rng=3)
    assert bits(x) == [truncated(key(3), i, "float16", 0.0, 1.0, *bounds) for i in range(8)]


@pytest.mark.parametrize("dtype", COMPLEX)
def test_the_library_draws_the_complex_numbers_of_the_page(dtype):
    r = seeded(dtype)
    for _ in range(10):
        seed, k = (n := r.randrange(2**80)), key(n)
        mean, std = r.choice([0.0, r.uniform(-3, 3)]), r.choice([0.0, 10 ** r.uniform(-3, 1)])
        x = arrayinit.normal_(empty((5,), dtype), mean, std, rng=seed)
        assert bits(x) == [part for i in range(5) for part in complex_normal(k, i, dtype, mean, std)]
        a, b = r.choice([(-1.0, 1.0), (mean, mean + 10 ** r.uniform(-3, 1))])
        x = arrayinit.uniform_(empty((5,), dtype), a, b, rng=seed)
        assert bits(x) == [n for i in range(5) for n in complex_uniform(k, i, dtype, (a + b) / 2, (b - a) / 2)]


FANS = {"fan_in": 6.0, "fan_out": 8.0, "fan_avg": 7.0, "fan_geo_avg": math.sqrt(48)}


@pytest.mark.parametrize("mode", FANS)
@pytest.mark.parametrize("dtype", REAL | COMPLEX)
def test_the_library_scales_the_truncated_normal_as_the_page_does(dtype, mode):
    r = seeded(dtype, mode)
    for _ in range(8):
        seed, k = (n := r.randrange(2**80)), key(n)
        scale = r.choice([1.0, r.uniform(0.1, 3)])
        x = arrayinit.variance_scaling_(empty((4, 3, 2), dtype), scale, mode, rng=seed)
        std = math.sqrt(scale / FANS[mode])
        if dtype in COMPLEX:
            s = std / 0.96196182800821354
            assert bits(x) == [part for i in range(24) for part in complex_truncated(k, i, dtype, s)]
        else:
            s = std / 0.87962566103423978
            assert bits(x) == [truncated(k, i, dtype, 0.0, s, -2 * s, 2 * s) for i in range(24)]


@pytest.mark.parametrize("dtype", REAL)
def test_the_library_chooses_the_zeros_of_the_page(dtype):
    r = seeded(dtype)
    for _ in range(8):
        seed, shape, sparsity = r.randrange(2**80), (r.randrange(1, 9), r.randrange(1, 4)), r.random()
        x = arrayinit.sparse_(empty(shape, dtype), sparsity, 0.1, rng=seed)
        assert bits(x) == sparse(key(seed), dtype, shape, sparsity, 0.1)


@pytest.mark.parametrize("seed", [0, 2**32, 2**200, [0, 0], [2**40, 5, 0], [1, 2, 3, 4, 5, 6]])
@pytest.mark.parametrize("parts", [(), ("",), ("é", 0, 10**30)])
def test_the_library_makes_the_keys_of_the_page(seed, parts):
    for spawned in ((), (0,), (2**40, 3)):
        sequence = np.random.SeedSequence(seed, spawn_key=spawned)
        x = arrayinit.uniform_(np.empty(3), rng=arrayinit.fold_in(sequence, *parts) if parts else sequence)
        k = key(seed, (*spawned, *fold_in(*parts)))
        assert bits(x) == [uniform(k, i, "float64", 0.0, 1.0) for i in range(3)]
