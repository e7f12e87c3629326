"""Eight threads that fill their own arrays at once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from laws import check
from scipy import stats

import arrayinit as ai

THREADS = 8
FUNCTIONS = {
    "normal_": lambda x, rng: ai.normal_(x, rng=rng),
    "trunc_normal_": lambda x, rng: ai.trunc_normal_(x, rng=rng),
    "kaiming_uniform_": lambda x, rng: ai.kaiming_uniform_(x, rng=rng),
    "orthogonal_": lambda x, rng: ai.orthogonal_(x, rng=rng),
    "sparse_": lambda x, rng: ai.sparse_(x, 0.3, rng=rng),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_own_generators_give_what_they_give_alone(name, library):
    def fill(seed):
        return library.to_numpy(FUNCTIONS[name](library.empty((120, 100), "float32"), library.generator(seed)))

    alone = [fill(seed) for seed in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(fill, range(THREADS)))
    np.testing.assert_array_equal(alone, together)


@pytest.mark.parametrize("name", ["normal_", "trunc_normal_"])
def test_the_default_generator_gives_each_its_own(name, library):
    def fill(_):
        return library.to_numpy(FUNCTIONS[name](library.empty((300, 200), "float32"), None))

    with ThreadPoolExecutor(THREADS) as pool:
        values = np.stack(list(pool.map(fill, range(THREADS))))
    check(values, stats.norm() if name == "normal_" else stats.truncnorm(-2, 2), 2.0**-23)
    # Nothing is drawn twice, but for the chance that two of 480 000 32-bit numbers are equal.
    assert np.unique(values).size > 0.9 * values.size
