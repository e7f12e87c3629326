"""Threads of the user that fill arrays at once, and the number of our own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from cases import DRAWS, FUNCTIONS
from distributions import check, truncated_normal
from libraries import no_such_case
from scipy import stats

import arrayinit as ai

THREADS = 8


@pytest.mark.parametrize("name", ["normal_", "trunc_normal_", "kaiming_uniform_", "orthogonal_", "sparse_"])
def test_own_generators_give_what_they_give_alone(name, library):
    def fill(seed):
        return library.to_numpy(FUNCTIONS[name].fill(library.empty((120, 100), "float32"), library.generator(seed)))

    alone = [fill(seed) for seed in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(fill, range(THREADS)))
    np.testing.assert_array_equal(alone, together)


@pytest.mark.parametrize("name", ["normal_()", "trunc_normal_()"])
def test_the_default_generator_gives_each_its_own(name, library):
    if not library.threads_share:
        no_such_case("each thread has a default generator of its own")

    def fill(_):
        return library.to_numpy(DRAWS[name].fill(library.empty((300, 200), "float32"), None))

    with ThreadPoolExecutor(THREADS) as pool:
        values = np.stack(list(pool.map(fill, range(THREADS))))
    check(values, stats.norm() if name == "normal_()" else truncated_normal(0.0, 1.0, -2.0, 2.0), 2.0**-23)
    # Nothing is drawn twice, but for the chance that two of 480 000 32-bit numbers are equal.
    assert np.unique(values).size > 0.9 * values.size


def test_fills_inside_the_threads_of_the_user(library):
    def fill(seed):
        return library.to_numpy(ai.normal_(library.empty((300, 1000), "float32"), rng=seed))

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fill, range(8)))
    np.testing.assert_array_equal(together, [fill(seed) for seed in range(8)])


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", " 2"])
def test_a_wrong_number_of_threads_is_an_error_that_names_the_variable(value, library, monkeypatch):
    x = library.full((500, 600), "float32", 7.0)
    monkeypatch.setenv("ARRAYINIT_NUM_THREADS", value)
    with pytest.raises(ValueError, match=f"ARRAYINIT_NUM_THREADS must be a positive integer, got {value!r}"):
        ai.uniform_(x, rng=0)
    assert (library.to_numpy(x) == 7.0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_functions_at_once_fill_what_they_fill_alone(dtype, numpy_library):
    starts = Barrier(THREADS)

    def fill(name, shape, seed):
        x = numpy_library.empty(shape, dtype)
        return FUNCTIONS[name].fill(x, seed).tobytes()

    # Each thread begins with another function, and all meet in what the functions keep for arrays that are alike.
    calls = [(name, case.shape, n) for n, (name, case) in enumerate(FUNCTIONS.items())]

    def fill_all(thread):
        starts.wait()
        first = thread * len(calls) // THREADS
        filled = [fill(*call) for call in calls[first:] + calls[:first]]
        return filled[len(calls) - first :] + filled[: len(calls) - first]

    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(fill_all, range(THREADS)))
    alone = [fill(*call) for call in calls]
    assert together == [alone] * THREADS
