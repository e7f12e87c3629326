"""The normal transform and what it is built from, against SciPy and exact arithmetic."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from distributions import check
from scipy import special, stats

from arrayinit.core.distributions import TruncatedNormal
from arrayinit.core.dtypes import FORMATS
from arrayinit.core.truncation import ndtr, truncation
from arrayinit.kernels.numpy_ops import NUMPY
from arrayinit.stream import transform as source
from arrayinit.stream.coefficients import DOUBLE, SINGLE
from arrayinit.stream.quantile import LOG_2, minus_log2, quantile, tail_quantile
from arrayinit.stream.transform import Word, _circle

pytestmark = pytest.mark.usefixtures("numpy_library")

WIDE = ("float32", "float64")
# The relative error that is allowed, and the bits of a word that are used.
ERROR = {"float32": 3e-7, "float64": 1e-14}
USED = {"float32": 32, "float64": 53}
# The u where the transform changes its form, or did in a version before the first release.
EDGES = {
    "float32": (0.5 - math.sqrt(SINGLE.edge), 0.5 - 57 / 128),
    "float64": (0.5 - math.sqrt(DOUBLE.edge), math.exp(-25.0)),
}
# Of all 2^32 words, those on which single precision errs most, in the tail and in the centre.
WORST = (134914872, 183036472, 190594377)


@cache
def grid(dtype):
    """Return what is used of each word, sorted: tails, centre, edges, powers of two, and random ones in between."""
    bits = USED[dtype]
    half = 1 << (bits - 1)
    near = np.arange(-(1 << 12), 1 << 12)
    middles = [0, half, *(round(u * 2**bits) for u in EDGES[dtype]), *(1 << k for k in range(bits))]
    # Beyond the edge an error of rounding is as large as the step from word to word.
    steep = [round(u * 2**bits) + np.arange(100_000) for u in special.ndtr([-1.45, -1.5, -1.7, -2.0])]
    worst = np.array(WORST if bits == 32 else (), np.int64)
    lower = np.concatenate([middle + near for middle in middles] + steep + [worst])
    lower = lower[(lower >= 0) & (lower < half)]
    random = np.random.default_rng(0).integers(1 << bits, size=3_000_000 if bits == 32 else 1_000_000)
    ordered = np.sort(np.concatenate([lower, (1 << bits) - 1 - lower, random]))
    # np.unique would hash them, which takes ten times as long.
    return ordered[np.diff(ordered, prepend=-1) > 0]


def word_of(used, dtype):
    """Return the words of which this is used."""
    bits = USED[dtype]
    size = 32 if bits == 32 else 64
    return Word(NUMPY, used.astype(f"uint{size}") << (size - bits), FORMATS[dtype])


def transform(used, dtype):
    """Return the normals of these words."""
    word = word_of(used, dtype)
    return quantile(NUMPY, word.offset(), word.tail)


def exact(used, dtype):
    """Return SciPy's normals, each computed from a number that holds the word without rounding."""
    bits = USED[dtype]
    q = (used - (1 << (bits - 1)) + 0.5) * 2.0**-bits
    p = (np.minimum(used, (1 << bits) - 1 - used) + 0.5) * 2.0**-bits
    # Up to 1/2 - p the difference from 1/2 has more digits than p, and beyond it fewer.
    return np.where(np.abs(q) < 0.25, special.erfinv(2.0 * q) * math.sqrt(2.0), np.copysign(special.ndtri(p), q))


@pytest.mark.parametrize("dtype", WIDE)
def test_the_transform_is_the_inverse_normal_distribution_function(dtype):
    used = grid(dtype)
    z, expected = transform(used, dtype), exact(used, dtype)
    assert z.dtype == dtype
    error = np.abs(z - expected)
    allowed = ERROR[dtype] * np.abs(expected)
    if dtype == "float32":
        allowed = np.maximum(allowed, 2.0 * np.spacing(np.abs(z)))
    worst = np.argmax(error / allowed)
    assert (error <= allowed).all(), f"word {used[worst]}: {z[worst]!r} instead of {expected[worst]!r}"


@pytest.mark.parametrize("dtype", WIDE)
def test_the_transform_never_falls(dtype):
    used = grid(dtype)
    z = transform(used, dtype)
    fall = np.flatnonzero(np.diff(z) < 0)
    assert fall.size == 0, f"{fall.size} times, first from word {used[fall[0]]} to {used[fall[0] + 1]}"


@pytest.mark.parametrize("dtype", WIDE)
def test_the_transform_is_odd(dtype):
    used = grid(dtype)
    z, mirrored = transform(used, dtype), -transform((1 << USED[dtype]) - 1 - used, dtype)
    # In the centre a word of 32 bits is rounded before the half is added to it, to other sides for w and ~w.
    odd = slice(None) if dtype == "float64" else np.abs(z) > 1e-6 - special.ndtri(EDGES[dtype][0])
    np.testing.assert_array_equal(z[odd], mirrored[odd])
    np.testing.assert_allclose(z, mirrored, rtol=4 * np.finfo(dtype).eps)


def test_all_of_the_word_reaches_the_tails_in_single_precision_and_53_bits_in_double():
    assert transform(np.array([0]), "float32")[0] == np.float32(special.ndtri(2.0**-33))
    assert transform(np.array([0]), "float64")[0] == pytest.approx(special.ndtri(2.0**-54), rel=1e-15)
    words = np.array([0xFFF, 0x800], np.uint64) << np.uint64(40)
    same = [Word(NUMPY, words | np.uint64(low), FORMATS["float64"]) for low in (0, 0x7FF)]
    np.testing.assert_array_equal(*(quantile(NUMPY, word.offset(), word.tail) for word in same))


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize("bound", [0.3, 1.0, 2.0, 3.7, 100.0])
def test_bounds_that_are_alike_give_what_any_others_would(bound, dtype, monkeypatch):
    plan = truncation(TruncatedNormal(0.0, 1.0, -bound, bound))
    assert plan.below == plan.above

    def draws():
        return source._central(NUMPY, word_of(grid(dtype), dtype), plan)

    short = draws()
    monkeypatch.setattr(source, "_is_even", lambda *_: False)
    np.testing.assert_array_equal(short, draws())


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize("factor", [1.0, 0.3, 1e-30, 1e-33, 1e-40, 1e-300, 1e-307, 0.0])
def test_two_factors_are_one_where_that_rounds_the_same(factor, dtype):
    used, u = grid(dtype)[::1000], np.dtype(dtype).type
    middle = (used.astype(dtype) + u(0.5)) * u(2.0 ** -USED[dtype])
    with np.errstate(under="ignore", over="ignore"):
        expected = middle * u(factor)
        given = word_of(used, dtype).lower(factor)
    np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize("dtype", WIDE)
def test_the_logarithm_has_the_accuracy_of_its_dtype(dtype):
    rng = np.random.default_rng(1)
    tiny, eps = (float(getattr(np.finfo(dtype), name)) for name in ("tiny", "eps"))
    edges = np.array([tiny, 1.0 - eps, 1.0, 1.0 + eps, 2.0 - eps, 2.0, 2.0**24])
    x = np.concatenate([np.exp2(rng.uniform(math.log2(tiny), 0, 400_000)), rng.uniform(0.5, 2.0, 400_000), edges])
    x = np.sort(x.astype(dtype))
    bits = minus_log2(NUMPY, x.copy())
    # Fractions with a sum of up to 8, each within an ulp, are added up, and then the constant and the exponent.
    allowed = 12 * eps + eps * np.abs(bits)
    assert (np.abs(bits + np.log2(x.astype(np.longdouble))) <= allowed).all()
    assert (np.diff(bits) <= 0).all()


@pytest.mark.parametrize("dtype", WIDE)
def test_the_tail_is_accurate_up_to_37_sigma(dtype):
    edge = -special.ndtri(EDGES[dtype][0])
    x = np.concatenate([np.linspace(edge, 37.0, 400_001), [37.4]])
    bits = (-special.log_ndtr(-x) / LOG_2).astype(dtype)
    expected = -special.ndtri_exp(-LOG_2 * bits.astype(np.float64))
    z = tail_quantile(NUMPY, bits)
    np.testing.assert_allclose(z, expected, rtol=ERROR[dtype], atol=0)
    assert (np.diff(z[:-1]) >= 0).all()


@pytest.mark.parametrize("dtype", WIDE)
def test_the_circle_has_radius_one_and_the_angle_of_the_word(dtype):
    size = np.iinfo("uint32" if dtype == "float32" else "uint64").bits
    kind = np.dtype(f"uint{size}").type
    quarters = [np.array(k << (size - 3), kind) + np.arange(4096, dtype=kind) - kind(2048) for k in range(8)]
    words = np.concatenate([*quarters, np.random.default_rng(2).integers(1 << size, size=400_000, dtype=kind)])
    x, y = _circle(NUMPY, Word(NUMPY, words, FORMATS[dtype]))
    error = {"float32": 3e-7, "float64": 1e-15}[dtype]
    assert np.abs(x.astype(np.longdouble) ** 2 + y.astype(np.longdouble) ** 2 - 1).max() < error
    # The word 0 lies an eighth of a turn before the positive axis.
    turns = words.astype(np.longdouble) / 2.0**size - 0.125
    angle = (2.0 * math.pi * turns).astype(np.float64)
    assert max(np.abs(x - np.cos(angle)).max(), np.abs(y - np.sin(angle)).max()) < 2 * error
    check(np.arctan2(y, x)[-400_000:], stats.uniform(-math.pi, 2 * math.pi), 2.0**-22)


def series(x, digits):
    """Return Phi(x) from the Maclaurin series of erf and Machin's formula for pi, in integers of that many digits."""
    one = 10**digits

    def arctan(n):
        return sum((-1) ** k * one // ((2 * k + 1) * n ** (2 * k + 1)) for k in range(digits))

    pi = 4 * (4 * arctan(5) - arctan(239))
    term, total, n = one * abs(x.numerator) // x.denominator, 0, 0
    while term:
        total += (-1) ** n * term // (2 * n + 1)
        n += 1
        term = term * x.numerator**2 // (2 * n * x.denominator**2)
    return Fraction(1, 2) + Fraction(int(math.copysign(1, x)) * total, math.isqrt(2 * pi * one))


@pytest.mark.parametrize("x", ["0", "0.5", "-0.75", "1", "-2.5", "3", "6", "-6", "-6.0625", "9.5", "-12.75", "-30.5"])
def test_the_distribution_function_has_thirty_digits_and_more(x):
    with localcontext(prec=50):
        ours = Fraction(ndtr(Decimal(x)))
    expected = series(Fraction(x), 600)
    assert abs(ours / expected - 1) < Fraction(1, 10**38)


def test_the_distribution_function_agrees_with_scipy():
    for x in np.concatenate([np.linspace(-37, 9, 93), [-6 - 1e-9, -6 + 1e-9, 6 - 1e-9, 6 + 1e-9]]).tolist():
        with localcontext(prec=50):
            p = ndtr(Decimal(x))
            logarithm = float(p.ln())
        assert float(p) == pytest.approx(special.ndtr(x), rel=1e-13)
        assert logarithm == pytest.approx(special.log_ndtr(x), rel=1e-13)


def test_the_scalars_of_a_truncation_are_the_nearest_doubles():
    phi = {x: series(Fraction(x), 600) for x in (-3, -2, 2, 3)}
    central = truncation(TruncatedNormal(0.0, 1.0, -2.0, 3.0))
    assert (central.below, central.above, central.width) == (float(phi[-2]), float(phi[-3]), float(phi[3] - phi[-2]))
    # So near to each other that the difference must be taken before anything is rounded.
    tail = truncation(TruncatedNormal(0.0, 1.0, 2.0, 2.03125))
    rest = series(Fraction(-65, 32), 600) / phi[-2]
    assert (tail.rest, tail.mass) == (float(rest), float(1 - rest))
    assert tail.start == pytest.approx(-special.log_ndtr(-2.0) / LOG_2, rel=1e-15)
