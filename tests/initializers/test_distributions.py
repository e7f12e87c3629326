"""Every random function on every library and in every dtype, against scipy.stats."""

import math

import numpy as np
import pytest
from cases import TRUNCATED
from distributions import SIZE, check, kolmogorov_smirnov, moment, truncated_normal, truncated_square
from libraries import no_such_case
from scipy import stats

import arrayinit as ai

# Three axes, so that fans, columns and the order of elements differ from each other.
SHAPE = (40, 60, 200)
FAN_IN, FAN_OUT = 60 * 200, 40 * 200
SPACING = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


def uniform(bound):
    return stats.uniform(-bound, 2 * bound)


def two_sigma(std):
    """Return the normal truncated at two of its standard deviations that has this one afterwards."""
    before = std / stats.truncnorm(-2, 2).std()
    return truncated_normal(0, before, -2 * before, 2 * before)


KAIMING = math.sqrt(2 / (1 + 0.1**2) / FAN_OUT)
XAVIER = 1.5 * math.sqrt(2 / (FAN_IN + FAN_OUT))
DISTRIBUTIONS = {
    "uniform_": (lambda x, rng: ai.uniform_(x, -1.0, 3.0, rng=rng), stats.uniform(-1, 4)),
    "normal_": (lambda x, rng: ai.normal_(x, 0.5, 2.0, rng=rng), stats.norm(0.5, 2)),
    "trunc_normal_": (
        lambda x, rng: ai.trunc_normal_(x, 0.1, 1.0, -2.0, 1.5, rng=rng),
        truncated_normal(0.1, 1, -2, 1.5),
    ),
    "xavier_uniform_": (lambda x, rng: ai.xavier_uniform_(x, 1.5, rng=rng), uniform(math.sqrt(3) * XAVIER)),
    "xavier_normal_": (lambda x, rng: ai.xavier_normal_(x, 1.5, rng=rng), stats.norm(0, XAVIER)),
    "kaiming_uniform_": (
        lambda x, rng: ai.kaiming_uniform_(x, 0.1, "fan_out", rng=rng),
        uniform(math.sqrt(3) * KAIMING),
    ),
    "kaiming_normal_": (lambda x, rng: ai.kaiming_normal_(x, 0.1, "fan_out", rng=rng), stats.norm(0, KAIMING)),
    "variance_scaling_": (
        lambda x, rng: ai.variance_scaling_(x, 1.7, "fan_geo_avg", rng=rng),
        two_sigma(math.sqrt(1.7 / math.sqrt(FAN_IN * FAN_OUT))),
    ),
    "variance_scaling_, uniform": (
        lambda x, rng: ai.variance_scaling_(x, 0.3, "fan_avg", "uniform", rng=rng),
        uniform(math.sqrt(3 * 0.3 / ((FAN_IN + FAN_OUT) / 2))),
    ),
    "lecun_normal_": (lambda x, rng: ai.lecun_normal_(x, rng=rng), two_sigma(math.sqrt(1 / FAN_IN))),
}


@pytest.fixture
def library(library):
    """Each library that draws numbers of its own."""
    compared = {"strict": "backends/test_generic.py", "dask": "backends/dask/test_dask.py"}.get(library.name)
    if compared:
        no_such_case(f"{library.name} holds what NumPy's generator draws, which tests/{compared} compares bit by bit")
    return library


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_real_draws_follow_their_distribution(name, library, real):
    draw, distribution = DISTRIBUTIONS[name]
    if library.module == "jax" and real != "float32":
        no_such_case("what JAX draws is compared with jax.random in test_jax.py; what is narrow is below, or rounded")
    x = library.to_numpy(draw(library.empty(SHAPE, real), library.generator(12)))
    if "uniform" in name and real in ("float16", "bfloat16") and library.module == "torch":
        # torch's own 16-bit uniforms, which are biased; the values are held against torch's in test_torch_bits.
        moment(
            x.astype(np.float64).ravel(),
            distribution.mean(),
            distribution.std(),
            "mean",
            2 * SPACING[real] * distribution.std(),
        )
        return
    check(x, distribution, SPACING[real])


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_default_generators_follow_the_distribution_and_never_repeat(name, library):
    draw, distribution = DISTRIBUTIONS[name]
    first, second = (library.to_numpy(draw(library.empty(SHAPE, "float32"), None)) for _ in range(2))
    check(first, distribution, SPACING["float32"], rounded=library.module in ("jax", "torch"))
    assert (first != second).mean() > 0.99


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        *TRUNCATED,
        (0, 1, -math.inf, math.inf),
        (-3, 0.5, -math.inf, -4.4),
        (0, 1, 36, math.inf),
        (0, 1, 0.5, 0.5005),
        (-20, 1, 0, 1e-4),
        (1e4, 1, -1, 1),
        (-1e5, 1, 0, 10),
    ],
)
@pytest.mark.parametrize("wide", ["float32", "float64"])
def test_any_bounds_of_the_truncated_normal(mean, std, a, b, wide, library):
    x = library.empty((SIZE // 4,), wide)
    x = library.to_numpy(ai.trunc_normal_(x, mean, std, a, b, rng=library.generator(3))).astype(np.float64)
    assert a <= x.min() <= x.max() <= b
    distribution = truncated_normal(mean, std, a, b)
    # Far out scipy's moments lose their digits, so there the distribution function alone is compared.
    kolmogorov_smirnov(x, exponential(mean, a, b) if abs(mean) > 1000 else distribution.cdf, SPACING[wide])


def exponential(mean, a, b):
    """Return the distribution function of the unit normal so far out that scipy's is lost: exponential, and cut off."""
    near, rate = (b, mean - b) if mean > b else (a, a - mean)
    cut = -np.expm1(-rate * (b - a))

    def cdf(x):
        inside = -np.expm1(-rate * np.abs(x - near)) / cut
        return np.clip(1 - inside if near == b else inside, 0, 1)

    return cdf


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", ["uniform_", "normal_", "xavier_uniform_", "kaiming_normal_", "lecun_normal_"])
def test_complex_draws_are_circular_and_of_the_stated_variance(name, dtype, library):
    if dtype not in library.dtypes:
        no_such_case(f"{library.name} has no {dtype}")
    draw, centre, variance = {
        "uniform_": (DISTRIBUTIONS["uniform_"][0], 1.0, 2.0),
        "normal_": (DISTRIBUTIONS["normal_"][0], 0.5, 4.0),
        "xavier_uniform_": (DISTRIBUTIONS["xavier_uniform_"][0], 0.0, XAVIER**2),
        "kaiming_normal_": (DISTRIBUTIONS["kaiming_normal_"][0], 0.0, KAIMING**2),
        "lecun_normal_": (DISTRIBUTIONS["lecun_normal_"][0], 0.0, 1 / FAN_IN),
    }[name]
    z = library.to_numpy(draw(library.empty(SHAPE, dtype), library.generator(5))).astype(np.complex128).ravel() - centre
    square = np.abs(z) ** 2
    if "uniform" in name:
        check(square, stats.uniform(0, 2 * variance), 2.0**-20)
    elif name == "lecun_normal_":
        distribution = truncated_square(variance)
        check(np.minimum(square, distribution.support()[1]), distribution, 2.0**-20)
    else:
        check(square, stats.expon(scale=variance), 2.0**-20)
    check(np.angle(z), stats.uniform(-math.pi, 2 * math.pi), 2.0**-20)
    # The angle says nothing of the size.
    moment(square * np.cos(2 * np.angle(z)), 0.0, math.sqrt((square**2).mean() / 2), "covariance")


def test_orthogonal_matrices_are_haar_distributed(library):
    n, size = 2000, 4
    w = library.empty((n, size, size), "float64")
    w = library.to_numpy(ai.orthogonal_(w, layout="BOI", rng=library.generator(1)))
    np.testing.assert_allclose(w @ w.transpose(0, 2, 1), np.broadcast_to(np.eye(size), w.shape), atol=1e-13)
    # Each row is uniform on the sphere, so (w + 1) / 2 is Beta; and each determinant is a fair coin.
    for i in range(size):
        for j in range(size):
            check((w[:, i, j] + 1) / 2, stats.beta((size - 1) / 2, (size - 1) / 2), 2.0**-50)
    moment(np.linalg.det(w), 0.0, 1.0, "determinant")


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("shape", [(300, 500), (1, 7), (7, 1), (50_000, 2)])
def test_sparse_columns(sparsity, shape, library):
    x = library.to_numpy(ai.sparse_(library.empty(shape, "float32"), sparsity, 0.5, rng=library.generator(2)))
    assert ((x == 0).sum(axis=0) == math.ceil(sparsity * shape[0])).all()
    if 0 < (x != 0).sum() >= 1000:
        check(x[x != 0], stats.norm(0, 0.5), SPACING["float32"])


@pytest.mark.parametrize("sparsity", [0.3, 0.7])
def test_sparse_rows_are_chosen_uniformly_and_independently(sparsity, library):
    rows, columns = 10, 20_000
    x = library.to_numpy(ai.sparse_(library.empty((rows, columns), "float32"), sparsity, rng=library.generator(2)))
    zeros = (x == 0).astype(float)
    p = math.ceil(sparsity * rows) / rows
    for row in zeros:
        moment(row, p, math.sqrt(p * (1 - p)), "frequency")
    # Neighbouring columns agree in a row as often as independent ones.
    together = (zeros[:, 1:] * zeros[:, :-1]).mean(axis=0)
    moment(together[::2], p * p, together.std(), "agreement")


def test_drawing_in_parts_does_not_repeat_numbers(library):
    x = library.empty((1000, 1000), "float32")
    x = library.to_numpy(ai.normal_(x, rng=library.generator(7)))
    assert np.unique(x).size > 0.9 * x.size
    assert abs(np.corrcoef(x[:-1].ravel(), x[1:].ravel())[0, 1]) < 6 / 1000
