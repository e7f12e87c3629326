"""What `fold_in` returns is a SeedSequence in all that NumPy does with one."""

import copy
import pickle

import numpy as np
import pytest

import arrayinit as ai
from arrayinit.stream.seed import seed_of

PARENTS = (0, 2**70, (3, 4), np.random.SeedSequence(5, spawn_key=(6,), pool_size=8))


@pytest.fixture(params=PARENTS, ids=str)
def folded(request):
    return ai.fold_in(request.param, "encoder", 7)


def as_numpy_makes_it(seed):
    return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size)


def test_its_numbers_are_those_of_numpy(folded):
    plain = as_numpy_makes_it(folded)
    assert isinstance(folded, np.random.SeedSequence)
    assert (repr(folded), folded.state) == (repr(plain), plain.state)
    np.testing.assert_array_equal(folded.pool, plain.pool)
    np.testing.assert_array_equal(folded.generate_state(9, np.uint64), plain.generate_state(9, np.uint64))


@pytest.mark.parametrize("kind", [np.random.Philox, np.random.PCG64, np.random.MT19937, np.random.SFC64])
def test_numpy_makes_generators_from_it(folded, kind):
    expected = np.random.Generator(kind(as_numpy_makes_it(folded))).random(9)
    np.testing.assert_array_equal(np.random.Generator(kind(folded)).random(9), expected)
    np.testing.assert_array_equal(np.random.default_rng(folded).random(9), np.random.default_rng(folded).random(9))


def test_its_children_are_counted(folded):
    plain = as_numpy_makes_it(folded)
    for count in (2, 1):
        for ours, numpys in zip(folded.spawn(count), plain.spawn(count), strict=True):
            np.testing.assert_array_equal(ours.generate_state(4), numpys.generate_state(4))
    assert folded.n_children_spawned == 3


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda seed: pickle.loads(pickle.dumps(seed))])
def test_a_copy_gives_the_same_weights(folded, copied):
    assert seed_of(copied(folded)) == seed_of(folded)
    weights = ai.normal_(np.empty(9), rng=as_numpy_makes_it(folded))
    np.testing.assert_array_equal(ai.normal_(np.empty(9), rng=copied(folded)), weights)
