"""Any box of the logical array, by any number of threads in any chunks, gives the bits of the whole."""

import os
import threading
import time
from math import prod
from unittest.mock import patch

import numpy as np
import pytest
from boxes import whole
from hypothesis import given, settings
from hypothesis import strategies as st

import arrayinit as ai
from arrayinit.core.distributions import Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels import draw as draws
from arrayinit.kernels import fill as fills
from arrayinit.kernels import subsets, threads
from arrayinit.kernels import words as source
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import seed_of

pytestmark = pytest.mark.usefixtures("numpy_library")

DISTRIBUTIONS = (Uniform(-1.0, 2.0), Normal(1.0, 0.5), TruncatedNormal(0.0, 1.0, 1.5, 3.0))


@st.composite
def boxes_of_draws(pick):
    """A draw, and a box of its logical array."""
    shape = tuple(pick(st.lists(st.integers(1, 9), min_size=1, max_size=5).filter(lambda shape: prod(shape) < 3000)))
    dtype = pick(st.sampled_from(["float16", "bfloat16", "float32", "float64", "complex64", "complex128"]))
    distribution = pick(st.sampled_from(DISTRIBUTIONS[: 2 if "complex" in dtype else 3]))
    zeros = pick(st.integers(0, shape[0])) if len(shape) == 2 and distribution is DISTRIBUTIONS[1] else 0
    order = tuple(pick(st.permutations(range(len(shape)))))
    form = FORMATS[dtype]
    distribution = distribution.circular() if form.is_complex else distribution
    box = tuple(slice(*sorted(pick(st.tuples(st.integers(0, n), st.integers(0, n))))) for n in shape)
    return Draw(distribution, seed_of(pick(st.integers(0, 2**70))), form, shape, order, zeros), box


@given(
    boxes_of_draws(),
    st.sampled_from([1, 7, 1 << 17]),
    st.sampled_from([1, 4, 32]),
    st.sampled_from([0, 4]),
    st.booleans(),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_box_filled_on_its_own_is_that_part_of_the_whole(draw_and_box, chunk, long, dense, backwards):
    draw, box = draw_and_box
    expected = whole(draw)
    # In an array of its own, or in the array whose axes are in another order.
    array = np.empty([draw.shape[k] for k in draw.inverse], expected.dtype)
    part = array.transpose(draw.order)[box] if backwards else np.empty_like(expected[box])
    with patch.object(draws, "CHUNK", chunk), patch.multiple(source, _LONG=long, _DENSE=dense):
        draw.fill_box(part, [k.start for k in box])
        np.testing.assert_array_equal(part, expected[box])
        draw.fill_host(array)
    np.testing.assert_array_equal(array.transpose(draw.order), expected)


@given(boxes_of_draws(), st.sampled_from([1, 10, 100, 1 << 20]), st.booleans())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_parts_cover_the_whole_or_a_box_once_and_have_bounded_sizes(draw_and_box, upload, is_whole):
    draw, box = draw_and_box
    turned = tuple(slice(None) if is_whole else box[k] for k in draw.inverse)
    expected = whole(draw).transpose(draw.inverse)[turned]
    place = () if is_whole else (expected.shape, [k.start for k in turned])
    x, times = np.zeros_like(expected), np.zeros(expected.shape, int)
    with patch.object(fills, "UPLOAD", upload):
        for index, part in draw.chunks(expected.shape, draw.dtype.name, *place[1:]):
            assert part.size <= max(upload, draw.shape[0] if draw.zeros else 0)
            x[index] = part.view(np.uint32) >> 16 if draw.dtype.name == "bfloat16" else part
            times[index] += 1
    assert (times == 1).all()
    np.testing.assert_array_equal(x, expected)
    draw.fill_host(x, *place[1:])
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "corner", "size"),
    [
        ((1 << 20, 1 << 20), (8190, 3), (5, 100)),
        ((1 << 20, 1 << 20), ((1 << 20) - 6, (1 << 20) - 5001), (6, 5001)),
        ((1 << 11, 1 << 13, 1 << 17), (2000, 8000, 77), (2, 3, 21)),
        ((1 << 50,), ((1 << 50) - 1005,), (1005,)),
        ((1 << 33, 3, 2), ((1 << 33) - 9, 0, 1), (9, 3, 1)),
    ],
)
def test_boxes_far_inside_a_huge_array(shape, corner, size, dtype):
    draw = Draw(Uniform(0.0, 1.0), seed_of([3, 4]), FORMATS[dtype], shape, tuple(range(len(shape))))
    box = np.empty(size, dtype)
    draw.fill_box(box, corner)
    per_block = 4 if dtype == "float64" else 8
    for row in np.ndindex(*size[:-1]):
        start = 0
        for first, step, length in zip(corner, (*row, 0), shape, strict=True):
            start = start * length + first + step
        generator = np.random.Generator(np.random.Philox([3, 4]).advance(start // per_block))
        expected = generator.random(start % per_block + size[-1], dtype)[start % per_block :]
        np.testing.assert_array_equal(box[row], expected)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize(("chunk", "shape"), [(1, (5, 67)), (7, (9, 67)), (1000, (61, 997)), (None, (3, 7, 30_011))])
def test_threads_and_chunks_change_no_bit(count, chunk, shape, monkeypatch):
    monkeypatch.setenv("ARRAYINIT_NUM_THREADS", "1")
    expected = {dtype: ai.normal_(np.empty(shape, dtype), rng=2) for dtype in ("float32", "float64", "complex64")}
    monkeypatch.setenv("ARRAYINIT_NUM_THREADS", str(count))
    monkeypatch.setattr(draws, "CHUNK", chunk or draws.CHUNK)
    started = []
    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda self: (started.append(self), start(self)))
    for dtype, values in expected.items():
        before = threading.enumerate()
        np.testing.assert_array_equal(ai.normal_(np.empty(shape, dtype), rng=2), values)
        assert threading.enumerate() == before
    chunks = -(-values.size // draws.CHUNK)
    assert len(started) >= 3 * (min(count, chunks) - 1)
    np.testing.assert_array_equal(ai.normal_(np.empty(shape[::-1], "float32").T, rng=2), expected["float32"])


@pytest.mark.parametrize("failure", [MemoryError, KeyboardInterrupt])
def test_a_failure_in_one_thread_stops_the_others_and_reaches_the_caller(failure, monkeypatch):
    monkeypatch.setenv("ARRAYINIT_NUM_THREADS", "3")
    done = []
    for caller_fails in (True, False):

        def work(item, caller_fails=caller_fails):
            time.sleep(1e-3)
            done.append(item)
            if (threading.current_thread() is threading.main_thread()) == caller_fails:
                raise failure(f"item {item}")

        with pytest.raises(failure, match="item"):
            threads.spread(work, range(500))
    assert len(done) < 100


def test_a_failure_in_a_chunk_reaches_the_user(monkeypatch):
    def values(*_):
        raise MemoryError("of a chunk")

    monkeypatch.setattr(draws, "transform", values)
    with pytest.raises(MemoryError, match="of a chunk"):
        ai.normal_(np.empty(300_000), rng=0)


def test_there_are_as_many_threads_as_the_process_may_use(monkeypatch):
    monkeypatch.delenv("ARRAYINIT_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert threads.count() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    for number, expected in ((6, 6), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda number=number: number)
        assert threads.count() == expected


def test_where_no_thread_can_be_started_the_caller_does_it_all(monkeypatch):
    expected = ai.normal_(np.empty(400_000), rng=0)

    def start(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    monkeypatch.setenv("ARRAYINIT_NUM_THREADS", "4")
    np.testing.assert_array_equal(ai.normal_(np.empty(400_000), rng=0), expected)


@pytest.mark.parametrize("zeros", [1, 300, 999, 1000])
@pytest.mark.parametrize("bits", [32, 3], ids=["", "many keys are equal"])
def test_a_column_too_tall_to_be_held_is_cleared_as_any_other(zeros, bits, monkeypatch):
    monkeypatch.setattr(subsets, "words", lambda *place: source.words(*place) >> np.uint32(32 - bits))
    draw = Draw(Normal(0.0, 1.0), seed_of(3), FORMATS["float32"], (1000, 7), (0, 1), zeros)
    held, tall, part = np.empty((1000, 7), "float32"), np.empty((1000, 7), "float32"), np.empty((650, 2), "float32")
    draw.fill_host(held)
    assert ((held == 0).sum(axis=0) == zeros).all()
    monkeypatch.setattr(subsets, "_TALL", 10)
    monkeypatch.setattr(subsets, "_BLOCK", 64)
    draw.fill_host(tall)
    draw.fill_box(part, (150, 1))
    np.testing.assert_array_equal(tall, held)
    np.testing.assert_array_equal(part, held[150:800, 1:3])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(512, 2048), (2, 8, 1024), (300, 1000)])
def test_memory_that_runs_across_the_rows_gets_the_same(shape, dtype):
    draw = Draw(Normal(0.0, 1.0), seed_of(5), FORMATS[dtype], shape, tuple(range(len(shape))))
    kind = np.uint16 if dtype == "bfloat16" else dtype
    along, across = np.empty(shape, kind), np.empty(shape[::-1], kind).T
    draw.fill_host(along)
    draw.fill_host(across)
    np.testing.assert_array_equal(along, across)


def test_chunks_of_bfloat16_are_numbers_that_it_has():
    draw = Draw(Normal(0.0, 1.0), seed_of(5), FORMATS["bfloat16"], (40, 70), (1, 0))
    whole = np.empty((70, 40), np.uint16)
    draw.fill_host(whole)
    for index, numbers in draw.chunks((70, 40), "bfloat16"):
        assert numbers.dtype == np.float32
        np.testing.assert_array_equal(numbers.copy().view(np.uint32), whole[index].astype(np.uint32) << 16)
