"""`fold_in`: one seed for a whole model, by the names of its parameters."""

import hashlib
import math
import re
import unicodedata

import numpy as np
import pytest
from distributions import SIGNIFICANCE, check, moment
from scipy import stats

import arrayinit as ai

SeedSequence = np.random.SeedSequence

# seed, path, the last words of the spawn key, and the key of Philox
GOLDEN = [
    (0, ("encoder.0.weight",), "ce95cb88 334f66da b30a31df 57e0e441", "c42f4d8b610c12a1 2450b37786fb24eb"),
    (0, ("",), "87713a04 bd72c574 bead258a 5ccdbfb1", "fd02cf2d22d0c4bf 2dfb5814e5d75e44"),
    (0, (0,), "a767e1a4 d8ad056a 164c65a8 44b0079b", "2719f04f06bb618b dec93d9c36284a35"),
    (42, ("1",), "3c16bce8 87e1ee82 7d8c2833 db36c64a", "983447fb6315d1f1 c34ec62009d0e448"),
    (42, (1,), "67b7d94c e8be7f2d 1efb51fb 03699f04", "881c038ef8999f3c 8de660cae1253fe7"),
    (2**64 + 1, ("größe", "層", 3), "cbc6839a 3dd92611 1507a3e4 4b1f8fb2", "ea671e414b2db543 86cc68998b06e58e"),
    ([1, 2, 3], (2**100,), "74556fed 72d35b6c ba484acd 44d5e8c1", "9be7f1a79f3943d1 c28e4ca51f55cf94"),
    (
        SeedSequence(7, spawn_key=(1,), pool_size=8),
        ("a", "b"),
        "3eb331b8 5eb4050c 9bddbb15 8243fa3b",
        "b6abad58fc6ae825 4df2fb97f6b79bd6",
    ),
]


def key(seed):
    return np.random.Philox(seed).state["state"]["key"].tolist()


def same(first, second):
    return (first.entropy, first.spawn_key, first.pool_size) == (second.entropy, second.spawn_key, second.pool_size)


@pytest.mark.parametrize(("seed", "path", "words", "expected"), GOLDEN, ids=lambda value: "".join(str(value).split()))
def test_the_streams_of_names_never_change(seed, path, words, expected):
    folded = ai.fold_in(seed, *path)
    assert isinstance(folded, SeedSequence)
    assert " ".join(f"{word:08x}" for word in folded.spawn_key[-4:]) == words
    assert " ".join(f"{word:016x}" for word in key(folded)) == expected


@pytest.mark.parametrize(
    ("part", "hashed"), [("bias", b"sbias"), ("層", b"s\xe5\xb1\xa4"), (0, b"i0"), (10**30, b"i1" + b"0" * 30)]
)
def test_a_part_adds_the_words_of_its_hash_to_the_spawn_key(part, hashed):
    words = np.frombuffer(hashlib.sha256(hashed).digest()[:16], "<u4").tolist()
    parent = SeedSequence(2**70, spawn_key=(9, 8), pool_size=6)
    expected = SeedSequence(2**70, spawn_key=(9, 8, *words), pool_size=6)
    folded = ai.fold_in(parent, part)
    assert (folded.spawn_key, folded.pool_size) == (expected.spawn_key, expected.pool_size)
    assert key(folded) == key(expected)
    assert parent.spawn_key == (9, 8)


@pytest.mark.parametrize("seed", [0, 2**64 + 1, (1, 2, 3), SeedSequence(5, pool_size=5), SeedSequence(6).spawn(2)[1]])
def test_a_path_is_folded_in_part_by_part(seed):
    assert same(ai.fold_in(ai.fold_in(seed, "a"), "b"), ai.fold_in(seed, "a", "b"))
    assert same(ai.fold_in(ai.fold_in(seed, "layer", 3), "weight"), ai.fold_in(seed, "layer", 3, "weight"))
    assert same(ai.fold_in(seed, np.int64(3), np.str_("a")), ai.fold_in(seed, 3, "a"))


def test_paths_that_differ_give_streams_that_differ():
    paths = [("1",), (1,), ("a", "b"), ("ab",), ("b", "a"), ("a",), ("A",), ("a ",), ("",), ("", ""), ("a.b",), (11,)]
    paths += [(unicodedata.normalize(form, "é"),) for form in ("NFC", "NFD")]
    paths += [(1, 1), ("s1",), ("i1",), (0,), (2**32,), (2**64,)]
    others = [7, 8, *SeedSequence(7).spawn(20)]
    seeds = [ai.fold_in(seed, *path) for path in paths for seed in (7, 8)] + others
    assert len({tuple(key(seed)) for seed in seeds}) == len(seeds)


def test_a_seed_is_the_same_in_each_of_its_forms():
    for form in ([7], (7,), np.uint8(7), SeedSequence(7), SeedSequence([7])):
        assert key(ai.fold_in(form, "a")) == key(ai.fold_in(7, "a"))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((0,), ValueError, "fold_in needs at least one name or integer after the seed"),
        ((0, -1), ValueError, "must be at least 0, got -1"),
        ((0, "a", -2), ValueError, "must be at least 0, got -2"),
        ((-3, "a"), ValueError, "must be at least 0, got -3"),
        (([], "a"), ValueError, "must not be empty, got []"),
        ((0, "\ud800"), ValueError, "surrogates not allowed"),
        ((0, 1.0), TypeError, "fold_in takes strings and integers, got 1.0 of type float"),
        ((0, True), TypeError, "fold_in takes strings and integers, got True of type bool"),
        ((0, b"a"), TypeError, "fold_in takes strings and integers, got b'a' of type bytes"),
        ((0, None), TypeError, "fold_in takes strings and integers, got None of type NoneType"),
        ((0, ("a", "b")), TypeError, "fold_in takes strings and integers, got ('a', 'b') of type tuple"),
        ((True, "a"), TypeError, "got True of type bool"),
        ((1.5, "a"), TypeError, "got 1.5 of type float"),
        ((None, "a"), TypeError, "got None of type NoneType"),
        (("a", "b"), TypeError, "got 'a' of type str"),
        (([1, True], "a"), TypeError, "must hold integers, got True of type bool"),
        ((np.random.default_rng(0), "a"), TypeError, "of type Generator"),
    ],
)
def test_errors(arguments, error, text):
    with pytest.raises(error, match=re.escape(text)):
        ai.fold_in(*arguments)


def test_the_seed_of_a_name_works_on_every_library(library):
    seed = ai.fold_in(SeedSequence(3, pool_size=6), "encoder", 0, "weight")
    x = library.to_numpy(ai.uniform_(library.empty((5, 7, 11), "float32"), rng=seed))
    np.testing.assert_array_equal(x, np.random.Generator(np.random.Philox(seed)).random((5, 7, 11), np.float32))
    # And again: a seed has no state.
    again = library.to_numpy(ai.uniform_(library.empty((5, 7, 11), "float32"), rng=seed))
    np.testing.assert_array_equal(x, again)


SIZE = 2000


@pytest.fixture(scope="module")
def streams():
    """Uniform numbers of a parent, and then of a thousand names."""
    seeds = [0, *(ai.fold_in(0, f"blocks.{i}.attention.weight") for i in range(1000))]
    return np.stack([ai.uniform_(np.empty(SIZE), rng=seed) for seed in seeds])


@pytest.mark.usefixtures("numpy_library")
def test_no_two_of_a_thousand_streams_are_correlated(streams):
    r = np.corrcoef(streams)[np.triu_indices(len(streams), 1)]
    # Each pair, be it of neighbours or with the parent; and all together, on which a use_series correlation would show.
    assert math.sqrt(SIZE) * np.abs(r).max() < stats.norm.isf(SIGNIFICANCE / 2 / r.size)
    moment((SIZE - 1) * r**2, 1.0, math.sqrt(2.0), "mean of the squared correlations")


@pytest.mark.usefixtures("numpy_library")
def test_the_differences_of_a_thousand_streams_follow_their_distribution(streams):
    check(streams, stats.uniform())
    # Each stream is in one difference, since differences that share one depend on each other.
    check(streams[1::2] - streams[2::2], stats.triang(0.5, -1, 2))


def test_a_thousand_streams_have_no_number_in_common(streams):
    # As they would if they were one sequence at several places. Of 2 million numbers of 53 bits two are equal by chance
    # in 1 of 4500 cases.
    assert np.unique(streams).size == streams.size
