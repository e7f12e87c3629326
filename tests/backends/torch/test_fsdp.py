"""Models that are made without memory, sharded by FSDP2, and filled by real processes that share a seed."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from fake_processes import distributed, process
from places import TESTS
from portable_calls import TOLERANCE

import arrayinit as ai

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import Shard

pytestmark = pytest.mark.usefixtures("torch_library")

WORLDS = (1, 2, 3, 4)
each_world = pytest.mark.parametrize("world", WORLDS)
forks = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the processes are forks")


def start(folder: Path) -> None:
    """Run the processes of each number of processes; see dtensor_processes.py."""
    command = [sys.executable, str(TESTS / "dtensor_processes.py"), ",".join(map(str, WORLDS)), str(folder)]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


@pytest.fixture
def found(once: Callable[..., Path], world: int) -> list[dict[str, Any]]:
    """What each process of a number of processes found."""
    folder = once("dtensor-processes", start)
    return [json.loads((folder / f"{world}-{rank}.json").read_text()) for rank in range(world)]


@forks
@each_world
def test_a_sharded_model_is_in_every_bit_that_of_one_process(world, found):
    for cases in found:
        models = {case: results for case, results in cases.items() if "gathering" in results}
        assert len(models) == (5 if world == 4 else 3)
        for case, results in models.items():
            assert len(results["differences"]) == 9
            assert not any(results["differences"].values()), (case, results)


@forks
@each_world
def test_processes_communicate_to_gather_an_array_and_not_to_fill_it(world, found):
    for cases in found:
        for case, results in cases.items():
            assert results["filling"] == 0, case
            # To show that collectives are counted.
            assert results.get("gathering", 1) > 0 or world == 1


@forks
@each_world
def test_what_needs_the_whole_array_is_right_on_its_parts(found):
    for cases in found:
        assert not any(cases["sparse_"]["differences"].values())
        assert max(cases["orthogonal_"]["differences"].values()) <= TOLERANCE["float32"]


@contextmanager
def cut_by_fsdp2(rank, data, tensor, rows):
    """Yield a parameter with the numbers of its rows, cut for tensor parallelism and then by FSDP2."""
    with process(rank, data, tensor, names=("data", "tensor")) as mesh:
        model = torch.nn.Linear(1, rows, bias=False)
        whole = torch.arange(rows, dtype=torch.float32).view(rows, 1)
        model.weight = torch.nn.Parameter(distributed(whole, mesh["tensor"], [Shard(0)]))
        yield fully_shard(model, mesh=mesh["data"]).weight


@pytest.mark.parametrize("rows", [4, 5, 8, 12, 16, 24])
@pytest.mark.parametrize(("data", "tensor"), [(2, 2), (3, 2), (2, 4)])
def test_what_fsdp2_cuts_of_tensor_parallel_parameters(data, tensor, rows):
    whole = torch.arange(rows, dtype=torch.float32).view(rows, 1)
    for rank in range(data * tensor):
        with cut_by_fsdp2(rank, data, tensor, rows) as x:
            assert "_StridedShard" in str(x.placements)
            expected = x.to_local().detach().clone()
            assert torch.equal(ai.copy_(ai.zeros_(x), whole).to_local(), expected)


def test_a_placement_that_is_not_what_fsdp2_cut_is_refused():
    """9 rows are 5 and 4, and of each in 4 the last is 0 and 1; but by the placements it is 1 and 0."""
    for rank, held in (6, 0), (7, 1):
        words = rf"has a shard of \({held}, 1\): .*a size that the processes share evenly"
        with cut_by_fsdp2(rank, 4, 2, 9) as x, pytest.raises(ValueError, match=words):
            ai.normal_(x, rng=0)
