"""The draws of a seed follow their distributions; on NumPy alone, as they have the same bits on every library."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from cases import TRUNCATED
from distributions import SIZE, check, kolmogorov_smirnov, moment, truncated_normal, truncated_square
from scipy import special, stats

import arrayinit as ai

pytestmark = pytest.mark.usefixtures("numpy_library")

SPACING = {"float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52, "complex64": 2.0**-20, "complex128": 2.0**-48}

wide = pytest.mark.parametrize("dtype", ["float32", "float64"])
complex_dtypes = pytest.mark.parametrize("dtype", ["complex64", "complex128"])


@cache
def legendre() -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes and the weights of Gauss and Legendre, which take NumPy a second."""
    return np.polynomial.legendre.leggauss(400)


class TruncatedNormal:
    """The distribution of scipy, with moments of our own: its lose their digits far out."""

    def __init__(self, mean: float, std: float, a: float, b: float) -> None:
        low, high = (a - mean) / std, (b - mean) / std
        self.support = lambda: (a, b)
        self.cdf = truncated_normal(mean, std, a, b).cdf
        # Where the density has fallen by exp(-60) nothing is left to integrate.
        nearest = max(low, -high, 0.0)
        last = math.sqrt(nearest**2 + 120)
        low, high = max(low, -last), min(high, last)
        nodes, weights = legendre()
        z = low + (high - low) * (nodes + 1) / 2
        weights = weights * np.exp((nearest**2 - z**2) / 2)
        weights /= weights.sum()
        centre = weights @ z
        self.mean = lambda: mean + std * centre
        second, fourth = (weights @ (z - centre) ** k for k in (2, 4))
        self.var = lambda: std**2 * second
        self.std = lambda: std * math.sqrt(second)
        self.stats = lambda _: fourth / second**2 - 3


def test_moments_by_quadrature_are_those_of_scipy_where_it_has_them():
    for case in ((0.0, 1.0, -2.0, 2.0), (0.0, 1.0, 2.0, 3.0), (5.0, 2.0, -math.inf, 4.0), (0.0, 1.0, 0.0, 10.0)):
        mean, std, a, b = case
        ours, theirs = TruncatedNormal(*case), stats.truncnorm((a - mean) / std, (b - mean) / std, mean, std)
        np.testing.assert_allclose(
            [ours.mean(), ours.var(), ours.stats("k")],
            [theirs.mean(), theirs.var(), theirs.stats("k")],
            rtol=1e-7,
            atol=1e-12,
        )


@pytest.mark.parametrize("case", [*TRUNCATED, (0, 1, 36, math.inf), (0, 1, 0.5, 0.5005), (0.1, 1, -2, 1.5)], ids=str)
def test_the_distribution_function_of_the_truncated_normal_is_that_of_scipy(case):
    mean, std, a, b = case
    theirs = stats.truncnorm((a - mean) / std, (b - mean) / std, loc=mean, scale=std)
    x = theirs.ppf(np.linspace(0, 1, 1001)[1:-1])
    outside = [max(a, -1e9) - 1, min(b, 1e9) + 1]
    np.testing.assert_allclose(truncated_normal(*case).cdf(x), theirs.cdf(x), rtol=0, atol=1e-9)
    np.testing.assert_allclose(truncated_normal(*case).cdf(np.array(outside)), theirs.cdf(outside), rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", TRUNCATED, ids=str)
@wide
def test_truncated_normals_follow_their_distribution(case, dtype):
    x = ai.trunc_normal_(np.empty(SIZE // 2, dtype), *case, rng=11)
    check(x, TruncatedNormal(*case), SPACING[dtype])
    # Whatever the bounds, all 53 bits of the uniform number count.
    assert dtype == "float32" or np.unique(x).size > 0.999 * x.size


FAR_OUT = ((0.0, 1.0, -300.0, -299.99), (0.0, 1.0, 1e4, math.inf), (0.0, 1.0, -40.0, 5.0), (3.0, 2.0, -200.0, -198.0))


def share(x: np.ndarray, mean: float, std: float, a: float, b: float) -> np.ndarray:
    """Return the CDF of the truncated normal by its logarithm, on the side where that is precise."""
    z, low, high = (x - mean) / std, (a - mean) / std, (b - mean) / std
    if low > -high:
        return 1 - share(-x, -mean, std, -b, -a)
    part, rest = (np.exp(special.log_ndtr(k) - special.log_ndtr(high)) for k in (np.clip(z, low, high), low))
    return (part - rest) / (1 - rest)


@pytest.mark.parametrize("case", FAR_OUT, ids=str)
@wide
def test_truncated_normals_far_out_follow_the_logarithm_of_the_cdf(case, dtype):
    x = ai.trunc_normal_(np.empty(SIZE // 2, dtype), *case, rng=12)
    assert np.isfinite(x).all()
    assert case[2] <= x.min() <= x.max() <= case[3]
    kolmogorov_smirnov(x.astype(np.float64), lambda x: share(x, *case), SPACING[dtype])


@pytest.mark.parametrize("case", [*TRUNCATED, *FAR_OUT], ids=str)
def test_each_truncated_normal_is_the_quantile_of_its_uniform_number(case):
    x, u = ai.trunc_normal_(np.empty(20_000), *case, rng=12), ai.uniform_(np.empty(20_000), rng=12)
    mean, std, a, b = case
    nearest = max((a - mean) / std, (mean - b) / std, 1.0)
    # The reference is as good as its logarithm, of some nearest^2 / 2, and as the difference of two of its values.
    tolerance = 1e-15 * nearest**2 + (1e-9 if b - a < 0.1 else 1e-14)
    if nearest > 37:
        # Two terms of a series in 2 / nearest^2.
        tolerance += (2 / nearest**2) ** 2
    np.testing.assert_allclose(share(x, *case), u, rtol=0, atol=tolerance)


@pytest.mark.parametrize("case", [*TRUNCATED, (0.0, 1.0, 0.7003, 0.9001), (0.0, 1e-3, -1.0, 1e-7)], ids=str)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_nothing_lies_outside_the_bounds(case, dtype):
    for seed in range(5):
        x = ai.trunc_normal_(np.empty(1 << 16, dtype), *case, rng=seed).astype(np.float64)
        assert np.isfinite(x).all()
        assert case[2] <= x.min() < x.max() <= case[3]


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-0.3, 0.3), (-0.3, 0.7), (1.0, 1.0 + 2.0**-12)], ids=str)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform_numbers_follow_their_distribution(bounds, dtype):
    x = ai.uniform_(np.empty(SIZE, dtype), *bounds, rng=13)
    low, high = bounds
    if dtype == "float16" and low == 1.0:
        # One number of 16 bits lies within these bounds, and none between them.
        assert (x == 1).all()
        return
    check(x, stats.uniform(low, high - low), SPACING[dtype])
    assert dtype == "float16" or x.max() < high


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.0, 0.02), (0.5, 2.0)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_normal_numbers_follow_their_distribution(mean, std, dtype):
    check(ai.normal_(np.empty(SIZE, dtype), mean, std, rng=14), stats.norm(mean, std), SPACING[dtype])


@wide
def test_normal_numbers_reach_as_far_as_they_should(dtype):
    x = ai.normal_(np.empty(1 << 23, dtype), rng=15)
    # Of 32 bits, some 500 numbers past 4 sigma are all different; 24 bits would have 1000 to choose from.
    assert np.unique(x[np.abs(x) > 4]).size > 0.98 * (np.abs(x) > 4).sum()
    x = np.abs(x)
    for bound in (2.0, 3.0, 4.0, 4.5):
        p = 2 * stats.norm.sf(bound)
        moment((x > bound).astype(np.float64), p, math.sqrt(p * (1 - p)), f"share past {bound} sigma")
    assert 5.0 < x.max() < 6.5


SHAPE, FAN_IN, FAN_OUT = (40, 60, 200), 60 * 200, 40 * 200
XAVIER, KAIMING = 1.5 * math.sqrt(2 / (FAN_IN + FAN_OUT)), math.sqrt(2 / 1.01 / FAN_OUT)


@wide
def test_scaled_draws_have_the_scale_of_their_fans(dtype):
    def uniform(std: float) -> stats.rv_continuous:
        return stats.uniform(-math.sqrt(3) * std, 2 * math.sqrt(3) * std)

    check(ai.xavier_normal_(np.empty(SHAPE, dtype), 1.5, rng=16), stats.norm(0, XAVIER), SPACING[dtype])
    check(ai.xavier_uniform_(np.empty(SHAPE, dtype), 1.5, rng=16), uniform(XAVIER), SPACING[dtype])
    check(ai.kaiming_normal_(np.empty(SHAPE, dtype), 0.1, "fan_out", rng=16), stats.norm(0, KAIMING), SPACING[dtype])
    check(ai.kaiming_uniform_(np.empty(SHAPE, dtype), 0.1, "fan_out", rng=16), uniform(KAIMING), SPACING[dtype])
    check(ai.lecun_uniform_(np.empty(SHAPE, dtype), rng=16), uniform(math.sqrt(1 / FAN_IN)), SPACING[dtype])
    for mode, fan in (("fan_in", FAN_IN), ("fan_out", FAN_OUT), ("fan_avg", (FAN_IN + FAN_OUT) / 2)):
        s = math.sqrt(1.5 / fan / stats.truncnorm(-2, 2).var())
        x = ai.variance_scaling_(np.empty(SHAPE, dtype), 1.5, mode, rng=16)
        check(x, TruncatedNormal(0.0, s, -2 * s * (1 + 2.0**-50), 2 * s * (1 + 2.0**-50)), SPACING[dtype])


@complex_dtypes
@pytest.mark.parametrize("name", ["uniform_", "normal_", "xavier_uniform_", "kaiming_normal_", "lecun_normal_"])
def test_complex_draws_are_circular_and_of_the_stated_variance(name, dtype):
    x = np.empty(SHAPE, dtype)
    z, centre, variance = {
        "uniform_": lambda: (ai.uniform_(x, -1.0, 3.0, rng=17), 1.0, 2.0),
        "normal_": lambda: (ai.normal_(x, 0.5, 2.0, rng=17), 0.5, 4.0),
        "xavier_uniform_": lambda: (ai.xavier_uniform_(x, 1.5, rng=17), 0.0, XAVIER**2),
        "kaiming_normal_": lambda: (ai.kaiming_normal_(x, 0.1, "fan_out", rng=17), 0.0, KAIMING**2),
        "lecun_normal_": lambda: (ai.lecun_normal_(x, rng=17), 0.0, 1 / FAN_IN),
    }[name]()
    z = z.astype(np.complex128).ravel() - centre
    square, angle = np.abs(z) ** 2, np.angle(z)
    distribution = stats.uniform(0, 2 * variance) if "uniform" in name else stats.expon(scale=variance)
    distribution = truncated_square(variance) if name == "lecun_normal_" else distribution
    # The disk is closed only up to the rounding of its centre.
    check(np.minimum(square, distribution.support()[1]), distribution, SPACING[dtype])
    check(angle, stats.uniform(-math.pi, 2 * math.pi), SPACING[dtype])
    # The angle says nothing of the size, nor an element of the next.
    for k in (1, 2, 4):
        moment(square * np.cos(k * angle), 0.0, math.sqrt((square**2).mean() / 2), "covariance")
    moment((z[1:] * z[:-1].conj()).real, 0.0, variance / math.sqrt(2), "correlation of neighbours")


@pytest.mark.parametrize("sparsity", [0.3, 0.7])
def test_sparse_rows_are_chosen_uniformly_and_independently(sparsity):
    rows, columns = 10, 60_000
    x = ai.sparse_(np.empty((rows, columns), np.float32), sparsity, 0.5, rng=18)
    zeros = (x == 0).astype(float)
    p = math.ceil(sparsity * rows) / rows
    assert (zeros.mean(axis=0) == p).all()
    check(x[x != 0], stats.norm(0, 0.5), SPACING["float32"])
    for row in zeros:
        moment(row, p, math.sqrt(p * (1 - p)), "frequency")
    together = (zeros[:, 1:] * zeros[:, :-1]).mean(axis=0)
    moment(together[::2], p * p, together.std(), "agreement of neighbouring columns")
    # Which elements remain says nothing of their size.
    full = ai.normal_(np.empty((rows, columns)), rng=18) ** 2
    moment((full * (zeros - p)).ravel(), 0.0, math.sqrt(3 * p * (1 - p)), "covariance")


def test_orthogonal_matrices_are_haar_distributed():
    n, size = 4000, 4
    w = ai.orthogonal_(np.empty((n, size, size)), layout="BOI", rng=19)
    for i in range(size):
        for j in range(size):
            check((w[:, i, j] + 1) / 2, stats.beta((size - 1) / 2, (size - 1) / 2), 2.0**-50)
    moment(np.linalg.det(w), 0.0, 1.0, "determinant")


def test_seeds_and_streams_are_independent_of_each_other():
    draws = [ai.normal_(np.empty(1 << 16), rng=seed) for seed in (0, 1, 2, 2**32, 2**64, [1, 0, 1])]
    parts = ai.normal_(np.empty(1 << 16, complex), std=math.sqrt(2), rng=0)
    draws += [parts.imag, ai.normal_(np.empty(1 << 16, np.float32), rng=0).astype(float)]
    for k, first in enumerate(draws):
        for second in draws[:k]:
            moment(first * second, 0.0, 1.0, "correlation")


@pytest.mark.parametrize(("a", "b"), [(1, 3), (1, np.inf), (1.2, 1.5), (1.9, 5), (-2.1, -1.7)])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 5e-13)])
def test_bounds_between_the_centre_and_the_tail_are_as_exact_as_others(a, b, dtype, tolerance):
    x = ai.trunc_normal_(np.empty(100_000, dtype), 0, 1, a, b, rng=0)
    k = np.random.Philox(0).random_raw(100_000)
    k, bits = (k.astype("<u8").view("<u4")[:100_000], 32) if dtype == "float32" else (k >> np.uint64(11), 53)
    # scipy is exact at the lower end, so that the others are mirrored.
    if a > 0:
        a, b, k, x = -b, -a, 2**bits - 1 - k.astype(np.int64), -x
    u = (k + 0.5) * 2.0**-bits
    p, q = special.ndtr(a), special.ndtr(b)
    np.testing.assert_allclose(x, special.ndtri(p + u * (q - p)), rtol=tolerance)
