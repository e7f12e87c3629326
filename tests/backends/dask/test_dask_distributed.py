"""Dask's distributed scheduler: two worker processes, of which one is killed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import CASES, FIXED, FUNCTIONS, OWN_WAYS
from dask_calls import CHUNKINGS, as_numpy, empty, fill, need_distributed
from memory import mebibytes
from peers import peer
from portable_calls import same_bits

import arrayinit as ai

# Without them, the fixture skips the tests, or fails them where Dask was asked for.
with suppress(ImportError):
    import dask
    import dask.array as da
    import distributed

TIMEOUT = 60
MIB = 1 << 20


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    peer("dask")
    need_distributed()
    from distributed import Client, LocalCluster

    with (
        # So that the scheduler forgets none of the tasks that it is asked for.
        dask.config.set({"distributed.admin.low-level-log-length": 1_000_000}),
        # A free port, as another process of the tests may have a cluster too.
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def client(cluster: Any) -> Any:
    """The default scheduler, with both workers there."""
    cluster.wait_for_workers(2, timeout=TIMEOUT)
    return cluster


def made(client: Any) -> Counter[Any]:
    """Return how often each task was computed."""

    def read(dask_scheduler: Any) -> list[Any]:
        log = dask_scheduler.transition_log
        return [step[0] for step in log if step[1:3] == ("processing", "memory")]

    return Counter(client.run_on_scheduler(read))


@pytest.mark.parametrize("chunking", CHUNKINGS)
def test_workers_compute_every_function_in_any_chunks(client, chunking):
    # The scheduler takes its time for each chunk.
    cases = [FUNCTIONS[name] for name in (*OWN_WAYS, *FIXED)] if chunking == "one element" else CASES
    filled = [fill(case, empty(case, chunking=CHUNKINGS[chunking])) for case in cases]
    for case, values in zip(cases, dask.compute(*filled), strict=True):
        as_numpy(case, values)


@pytest.mark.parametrize("rng", [5, None, "numpy"], ids=["a seed", "None", "a generator of NumPy"])
def test_nothing_reaches_the_scheduler_until_it_is_asked_for(client, rng):
    before = made(client)
    filled = [fill(case, empty(case), np.random.default_rng(0) if rng == "numpy" else rng) for case in CASES]
    assert made(client) == before
    dask.compute(*filled)
    assert (made(client) - before).total() > sum(x.npartitions for x in filled)


def test_only_the_block_that_is_asked_for_is_made(client):
    w = ai.normal_(da.empty((1 << 20, 32), dtype="float32", chunks=(1 << 15, 8)), rng=5)
    before = made(client)
    np.testing.assert_array_equal(w[-3:, 9:12].compute(), w.blocks[-1, 1].compute()[-3:, 1:4])
    new = made(client) - before
    assert sum(times for key, times in new.items() if "box" in str(key)) == 2


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
@pytest.mark.parametrize("rng", [5, None], ids=["a seed", "None"])
def test_a_worker_killed_half_way_changes_no_bit(client, rng):
    def held(block: Any) -> Any:
        worker = distributed.get_worker()
        name, *_ = worker.get_current_task()
        if sum(key[0] == name for key in list(worker.data)) >= 4:
            distributed.Event(f"{rng}: half way on {worker.address}").set()
            distributed.Event(f"{rng}: go on").wait(TIMEOUT)
        return block

    filled = ai.normal_(da.empty((8, 1000), dtype="float32", chunks=(1, 300)), rng=rng)
    result = filled.map_blocks(held, dtype="float32", meta=np.empty((0, 0), "float32")).persist()
    futures = distributed.futures_of(result)
    distributed.wait(futures, TIMEOUT, return_when="FIRST_COMPLETED")
    victim = next(holder for holders in client.who_has(futures).values() for holder in holders)
    assert distributed.Event(f"{rng}: half way on {victim}").wait(TIMEOUT)
    holders = {key: holder for key, held_by in client.who_has(futures).items() for holder in held_by}

    os.kill(client.run(os.getpid, workers=[victim])[victim], signal.SIGKILL)
    distributed.Event(f"{rng}: go on").set()
    values = result.compute()

    same_bits(values, filled.compute(scheduler="synchronous"), "float32")
    if rng is not None:
        same_bits(values, ai.normal_(np.empty((8, 1000), "float32"), rng=rng), "float32")
    times = made(client)
    for key, holder in holders.items():
        assert times[key] == (2 if holder == victim else 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
def test_a_worker_holds_one_chunk_of_a_large_array_at_a_time(client):
    ai.normal_(da.empty((16, 10), dtype="float32", chunks=(1, -1)), rng=5).max().compute()
    before = client.run(mebibytes, "VmHWM")
    # 512 MiB in chunks of 16 MiB.
    ai.normal_(da.empty((32, 4 * MIB), dtype="float32", chunks=(1, -1)), rng=5).max().compute()
    after = client.run(mebibytes, "VmHWM")
    # To show that the peak is measured.
    client.run(lambda: np.ones(128 * MIB, np.uint8).sum())
    control = client.run(mebibytes, "VmHWM")
    for worker, start in before.items():
        # The chunk, another that is yet to be freed, and what a fill holds besides: less than NumPy's operations do.
        allowed = start + 2 * 16 + 24
        assert after[worker] < allowed < control[worker]
