"""What only the host has: threads that may fail, columns too tall to be held, memory that runs across the rows."""

import os
import threading
import time

import numpy as np
import pytest
from boxes import STORED

import arrayinit as ai
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.initializers import fill
from arrayinit.kernels import compiled, subsets, threads
from arrayinit.kernels import draw as draws
from arrayinit.kernels import words as source
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import seed_of

pytestmark = pytest.mark.usefixtures("numpy_library")


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize(("chunk", "shape"), [(1, (5, 67)), (7, (9, 67)), (1000, (61, 997)), (None, (3, 7, 30_011))])
def test_threads_and_chunks_change_no_bit(count, chunk, shape, monkeypatch):
    monkeypatch.setenv("ARRAYINIT_NUM_THREADS", "1")
    expected = {dtype: ai.normal_(np.empty(shape, dtype), rng=2) for dtype in ("float32", "float64", "complex64")}
    monkeypatch.setenv("ARRAYINIT_NUM_THREADS", str(count))
    monkeypatch.setattr(draws, "CHUNK", chunk or draws.CHUNK)
    # Also where one thread would do.
    monkeypatch.setattr(compiled, "ALONE", 0)
    monkeypatch.setattr(fill, "_prepared", {})
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


@pytest.mark.parametrize("is_compiled", [False, True])
def test_a_failure_in_a_chunk_reaches_the_user(is_compiled, monkeypatch):
    def values(*_):
        raise MemoryError("of a chunk")

    monkeypatch.setattr(compiled, "law", lambda *_: b"" if is_compiled else None)
    monkeypatch.setattr(compiled, "fill", values)
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


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "float8_e4m3fn"])
@pytest.mark.parametrize("shape", [(512, 2048), (2, 8, 1024), (300, 1000)])
def test_memory_that_runs_across_the_rows_gets_the_same(shape, dtype):
    draw = Draw(Normal(0.0, 1.0), seed_of(5), FORMATS[dtype], shape, tuple(range(len(shape))))
    kind = STORED.get(dtype, dtype)
    along, across = np.empty(shape, kind), np.empty(shape[::-1], kind).T
    draw.fill_host(along)
    draw.fill_host(across)
    np.testing.assert_array_equal(along, across)
