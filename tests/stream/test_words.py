"""Which random words there are, what key a seed gives, and which element takes which word."""

import math
from collections import deque
from itertools import product

import numpy as np
import pytest

import arrayinit as ai
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels import draw as draws
from arrayinit.kernels import subsets
from arrayinit.kernels import words as source
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.words import box_words
from arrayinit.stream.philox import WORDS_PER_BLOCK, philox
from arrayinit.stream.seed import Key, seed_of

# Counter, key and block of "philox4x64 10" in the known answers of D. E. Shaw Research's Random123: all of those in its
# file tests/kat_vectors, and from the longer examples/kat_vectors of its first release some that a stream can reach.
PUBLISHED = [
    ("0" * 64, "0" * 32, "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b"),
    ("f" * 64, "f" * 32, "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0"),
    (
        "243f6a8885a308d3 13198a2e03707344 a4093822299f31d0 082efa98ec4e6c89",
        "452821e638d01377 be5466cf34e90c6c",
        "a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6",
    ),
    (
        "1".zfill(16) + "0" * 48,
        "0" * 16 + "f" * 16,
        "72d6708a2e33f32e cdb7d7084ea573af 7afec3befacf7bfa 973f3514d6cb878e",
    ),
    ("1".zfill(64), "1".zfill(32), "c403b0ed4f4a56bc 4c10205602338da5 44026cf45fd8c7b3 c85ab2577611200a"),
    ("0" * 48 + "f" * 16, "0" * 16 + "f" * 16, "3609d7e72c5bf1ea e82604f634f7ad33 8b6c9f114736edf2 83dcba394e12f45a"),
    ("0" * 48 + "8" + "0" * 15, "1".zfill(32), "fc1433efdbd33e21 808ce83adf2a77f8 96ee08d151e9bb53 e8f4c80839491335"),
]


def numbers(text):
    text = text.replace(" ", "")
    return [int(text[i : i + 16], 16) for i in range(0, len(text), 16)]


def block_of_numpy(counter, key):
    """Return what NumPy's generator draws for this counter, which it raises by one before it does."""
    before = sum(word << 64 * k for k, word in enumerate(counter)) - 1
    return np.random.Philox(counter=before % 2**256, key=np.array(key, np.uint64)).random_raw(4).tolist()


@pytest.mark.parametrize(("counter", "key", "block"), PUBLISHED)
def test_published_vectors(counter, key, block):
    counter, key, block = map(numbers, (counter, key, block))
    assert block_of_numpy(counter, key) == block
    if counter[1] == counter[2] == 0:
        ours = philox(np.array(counter[:1], np.uint64), counter[3], Key(*key))
        assert [int(word[0]) for word in ours] == block


def test_the_blocks_are_numpys_for_any_counter_stream_and_key():
    rng = np.random.default_rng(0)
    for _ in range(200):
        stream, *key = rng.integers(2**64, size=3, dtype=np.uint64).tolist()
        counters = rng.integers(2**64, size=3, dtype=np.uint64)
        ours = np.stack(philox(counters, stream, Key(*key)), axis=-1)
        assert ours.tolist() == [block_of_numpy((counter, 0, 0, stream), key) for counter in counters.tolist()]


SEEDS = [
    *(0, 1, 2**31, 2**32 - 1, 2**32, 2**64 + 1, 2**200 + 3, np.int8(5), np.uint64(2**64 - 1)),
    *([0], [1, 2, 3], (2**40, 0, 7), range(4), [np.int64(3), 4], [0] * 9),
    np.random.SeedSequence(12),
    np.random.SeedSequence([1, 2**40, 3]),
    np.random.SeedSequence(np.array([1, 2**40, 3])),
    np.random.SeedSequence([]),
    np.random.SeedSequence(0, pool_size=8),
    np.random.SeedSequence(5, spawn_key=(1, 2**33)),
    np.random.SeedSequence([5] * 6, spawn_key=(3,), pool_size=5),
    np.random.SeedSequence(2**64 + 1).spawn(3)[2].spawn(2)[1],
]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: "".join(repr(seed).split()))
def test_a_seed_gives_the_key_that_it_gives_numpy(seed):
    key = np.random.Philox(seed).state["state"]["key"].tolist()
    assert list(seed_of(seed).key()) == key
    x = ai.uniform_(np.empty(5), rng=seed)
    np.testing.assert_array_equal(x, np.random.Generator(np.random.Philox(seed)).random(5))


def address(stream, numbers):
    """Return 64-bit words of which each half says where it comes from: the stream, and its number among the halves."""
    low = np.uint64(stream << 24) + np.uint64(2) * numbers.astype(np.uint64)
    return low + (low + np.uint64(1) << np.uint64(32))


class Addresses:
    """In place of NumPy's generator, whose counter is one behind that of the block it draws next."""

    def __init__(self, seed):
        self.state = None

    def random_raw(self, count):
        first, *zeros, stream = self.state["state"]["counter"]
        assert zeros == [0, 0]
        return address(stream, 4 * first + np.arange(count))


def blocks_of_addresses(counter, stream, _):
    return [address(stream, np.uint64(4) * (counter - np.uint64(1)) + np.uint64(k)) for k in range(4)]


@pytest.fixture
def keys(monkeypatch, no_core):
    """Replace every random word by its own address; return what `sparse_` takes for its keys."""
    monkeypatch.setattr(np.random, "Philox", Addresses)
    monkeypatch.setattr(source, "_idle", deque())
    monkeypatch.setattr(source, "philox", blocks_of_addresses)
    taken = []

    def words(*arguments):
        taken.append(source.words(*arguments))
        return taken[-1].copy()

    monkeypatch.setattr(subsets, "words", words)
    return taken


@pytest.mark.usefixtures("numpy_library")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(1 << 20,), (64, 1 << 14), (16, 64, 32, 32)])
def test_each_word_is_used_once_and_by_the_element_that_the_specification_names(dtype, shape, keys, monkeypatch):
    form, size = FORMATS[dtype], math.prod(shape)
    draw = Draw(Normal(0.0, 1.0), seed_of(1), form, shape, tuple(range(len(shape))))
    everything = []
    for stream in range(2 if form.is_complex else 1):
        # The words themselves are stored, and not what is made of them.
        monkeypatch.setattr(draws, "transform", lambda *arguments, stream=stream: arguments[2][stream])
        taken = np.empty(shape, np.uint64)
        for box in product(*((slice(n // 3), slice(n // 3, n)) for n in shape)):
            draw.fill_box(taken[box], [k.start or 0 for k in box])
        words, halves = np.arange(size), (stream << 24) + np.arange(size)
        wide = dtype in ("float64", "complex128")
        np.testing.assert_array_equal(taken.reshape(-1), address(stream, words) if wide else halves)
        everything.append(taken.reshape(-1) & np.uint64(0xFFFFFFFF))
    if len(shape) == 2:
        subsets.clear_columns(np.empty(shape), (0, 0), shape[0], 3, draw.seed.key())
        everything.append(np.concatenate([part.reshape(-1) for part in keys]))
        np.testing.assert_array_equal(np.sort(everything[-1]), (2 << 24) + np.arange(size))
    used = np.zeros(3 << 24, bool)
    used[np.concatenate(everything)] = True
    assert np.count_nonzero(used) == len(everything) * size


# How long runs must be for NumPy's generator to be set anew to each, and how dense for it to make the rest too.
WAYS = {
    "a run at a time": (1, 0),
    "with the rest": (10**9, 10**9),
    "in array operations": (10**9, 0),
    "as it comes": (),
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request, monkeypatch):
    """Take one way to the words of a box, whatever the box, and some rows of it at once."""
    for name, value in zip(("_LONG", "_DENSE"), request.param, strict=False):
        monkeypatch.setattr(source, name, value)
    monkeypatch.setattr(source, "_AT_ONCE", 40)
    return request.param


def words_of_numpy(key, stream, start, count, dtype):
    """Return what NumPy's generator draws from this word on."""
    block, skip = divmod(start, WORDS_PER_BLOCK[dtype])
    drawn = (
        np.random.Philox(counter=stream << 192, key=np.array(key, np.uint64)).advance(block).random_raw(skip + count)
    )
    if dtype == "uint32":
        drawn = np.stack([drawn & np.uint64(0xFFFFFFFF), drawn >> np.uint64(32)], axis=-1).reshape(-1)
    return drawn[skip : skip + count]


@pytest.mark.usefixtures("numpy_library")
@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
@pytest.mark.parametrize("first", [0, 2**32 - 3, 2**35 - 3, 2**53, 2**61 - 5000])
@pytest.mark.parametrize("run", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 64, 250, 256, 257])
def test_the_words_of_a_box_are_numpys_for_any_run_and_start(run, first, dtype, way):
    key, corner = seed_of([run, first]).key(), (first // (run + 8), 5)
    # Each skip occurs, and in some boxes one alone.
    for width in (run + 5, -(-run // 8) * 8 + 8):
        drawn = box_words(key, 1, (2**62 // width, width), corner, (9, run), dtype)
        assert drawn.dtype == dtype
        for i, row in enumerate(drawn.reshape(9, run)):
            start = (corner[0] + i) * width + corner[1]
            np.testing.assert_array_equal(row, words_of_numpy(key, 1, start, run, dtype))


@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
def test_the_words_of_a_box_of_more_axes_are_numpys(dtype, way):
    key = seed_of(5).key()
    shape, corner, size = (4, 5, 6, 7), (1, 2, 1, 3), (3, 2, 4, 2)
    whole = words_of_numpy(key, 0, 0, math.prod(shape), dtype).reshape(shape)
    box = whole[tuple(slice(i, i + n) for i, n in zip(corner, size, strict=True))]
    np.testing.assert_array_equal(box_words(key, 0, shape, corner, size, dtype), box.reshape(-1))


@pytest.mark.parametrize(
    ("shape", "size", "generated"),
    [
        # Runs of 256 words or more, and a single one of any length.
        ((9, 4096), (5, 256), [32] * 5),
        ((9, 4096), (1, 8), [1]),
        # Blocks of which no more than three quarters are left out.
        ((9, 32), (5, 8), [17]),
        ((900, 2), (800, 1), [200]),
        # What is left is for array operations.
        ((9, 4096), (5, 248), []),
        ((9, 48), (5, 8), []),
    ],
)
def test_the_way_to_the_words_of_a_box_is_the_shortest(shape, size, generated, monkeypatch):
    taken = []

    # By this name, since a generator takes the state of no other.
    class Philox(np.random.Philox):
        def random_raw(self, size):
            taken.append(size // 4)
            return super().random_raw(size)

    monkeypatch.setattr(np.random, "Philox", Philox)
    monkeypatch.setattr(source, "_idle", deque())
    box_words(seed_of(0).key(), 0, shape, (0, 0), size, "uint32")
    assert taken == generated
