"""Models that real processes wrap, shard and initialize by rules: one state, whatever the number of processes.

model_processes.py is what each process does. The memory that torch gives is filled with NaN.
"""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from places import TESTS

pytestmark = [
    pytest.mark.usefixtures("torch_library"),
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the processes are forks"),
]

Processes = list[dict[str, Any]]
Models = list[tuple[str, dict[str, Any]]]
Found = Callable[[int], Processes]

WORLDS = (1, 2, 3, 4)
each_world = pytest.mark.parametrize("world", WORLDS)

NAMES = [
    "frequencies",
    "embedding.weight",
    *("up.weight", "up.bias"),
    *("norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"),
    *("down.weight", "down.bias"),
    *("convolution.weight", "convolution.bias"),
    "head.weight",
]


def start(folder: Path) -> None:
    """Run the processes of each number of processes."""
    command = [sys.executable, str(TESTS / "model_processes.py"), ",".join(map(str, WORLDS)), str(folder)]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


@pytest.fixture
def found(once: Callable[..., Path]) -> Found:
    """Return the function from a number of processes to what each of them found."""
    folder = once("model-processes", start)
    return lambda world: [json.loads((folder / f"{world}-{rank}.json").read_text()) for rank in range(world)]


@pytest.fixture
def processes(found: Found, world: int) -> Processes:
    """What each process of a number of processes found."""
    return found(world)


@pytest.fixture
def models(processes: Processes, world: int) -> Models:
    """The results of each wrapped model in each process."""
    made = [case for process in processes for case in process["models"].items()]
    assert len(made) == world * {1: 7, 2: 9, 3: 4, 4: 6}[world]
    return made


@pytest.fixture
def expected(found: Found) -> str:
    """The digest of the model that one process filled by hand, without a wrapper."""
    digest: str = found(1)[0]["models"]["bare"]["digest by hand"]
    return digest


@each_world
def test_the_whole_state_has_one_digest(models: Models, expected: str) -> None:
    for case, results in models:
        assert results["digest"] == expected, case
        assert results["digest after a gathering"] == expected, case
        assert results["digest by the plan of the bare model"] == expected, case


@each_world
def test_a_loop_by_hand_over_the_wrapped_model_gives_the_same_bits(models: Models, expected: str) -> None:
    for case, results in models:
        assert results["digest by hand"] == expected, case


@each_world
def test_no_nan_is_left(models: Models, processes: Processes) -> None:
    for case, results in models:
        assert results["nans"] == [], case
    # To show that the memory was poisoned, and that NaN is found. The head is tied.
    assert processes[0]["poisoned"] == len(NAMES) - 1


@each_world
def test_a_wrapped_model_is_filled_in_place_under_the_names_of_the_bare_one(models: Models) -> None:
    for case, results in models:
        assert results["names"] == NAMES, case
        assert results["is itself"], case
        assert results["tied"], case
        assert results["leaves"], case


@each_world
def test_no_process_waits_for_another(models: Models) -> None:
    for case, results in models:
        assert results["collectives"] == 0, case


@each_world
def test_the_audit_finds_nothing_in_right_shards(models: Models) -> None:
    for case, results in models:
        assert results["audit"] == [], case
        assert results["audit of the whole"] == [], case


@each_world
def test_each_process_audits_its_shard_and_all_of_them_the_whole(processes: Processes) -> None:
    for rank, process in enumerate(processes):
        shard, whole = ("\n".join(process["faults"][which]) for which in ("audit", "audit of the whole"))
        for text in ("up.weight: 1 of", "down.bias: the values from"):
            assert text in whole
            assert (text in shard) == (rank == 0)
        assert "embedding.weight: row 2 is the padding, and is not zero" in whole
        assert "embedding.weight:" in shard


@each_world
def test_ddp_is_filled_as_the_bare_model(processes: Processes, expected: str) -> None:
    for process in processes:
        results = process["DDP"]
        assert results == {"digest": expected, "names": NAMES, "digest by hand": expected, "tied": True}


@each_world
def test_a_tie_that_sharding_has_undone_is_refused(processes: Processes) -> None:
    for process in processes:
        results = process["broken tie"]
        # torch has made two parameters of one.
        assert not results["tied"]
        assert "'head.weight' is tied to 'embedding.weight' in the plan" in results["refusal"]
        assert "shard both in one group" in results["refusal"]
        assert results["unchanged"]


@each_world
def test_each_process_reads_its_shards_of_a_checkpoint(processes: Processes, expected: str, world: int) -> None:
    for process in processes:
        results = process["checkpoint"]
        assert results["digests"] == [expected] * 3
        assert results["tied"]
        assert results["read"] == results["held"]
        # The plan reads headers, and one element of each tensor to see whether the handle can be read.
        assert results["read by the plan"] == len(NAMES) - 2
        assert results["collectives"] == 0
        assert results["audit"] == []
    assert (processes[0]["checkpoint"]["read"] < 250) == (world > 1)


@pytest.mark.parametrize("world", WORLDS[1:])
@pytest.mark.parametrize("use_orig_params", ["False", "True"])
def test_fsdp1_is_filled_where_its_parameters_are_summoned_and_refused_elsewhere(
    processes: Processes, expected: str, use_orig_params: str
) -> None:
    for process in processes:
        results = process["FSDP1"][use_orig_params]
        call = "FullyShardedDataParallel.summon_full_params(model, writeback=True)"
        assert call in results["refusal"]
        assert call in results["refusal of what is not summoned"]
        assert results["unchanged"]
        assert results["digest"] == expected
        assert results["nans"] == []
        assert results["tied"]


@each_world
def test_fused_weights_are_those_of_one_process_where_shards_end_inside_a_part(processes: Processes) -> None:
    for process in processes:
        results = process["fused"]
        assert results["collectives"] == 0
        assert results["audit"] == results["audit of the whole"] == []
        assert results["same"] == [True] * 7
        assert set(results["faults"]) == {"qkv.weight, part 'k'"}
