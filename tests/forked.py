"""The processes of torch, of several world sizes, as forks: to import torch takes longer than all of their work."""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch.distributed as dist

Find = Callable[[int, int], dict[str, Any]]
"""From the rank of a process and the world size to what the process found."""


def main(find: Find) -> None:
    """Start the processes of the world sizes that the command line names, and let each write what it found."""
    worlds, directory = sys.argv[1:]
    fork = multiprocessing.get_context("fork")
    for world in map(int, worlds.split(",")):
        ranks = [fork.Process(target=_work, args=(find, rank, world, Path(directory))) for rank in range(world)]
        for process in ranks:
            process.start()
        for process in ranks:
            process.join()
        if any(process.exitcode for process in ranks):
            sys.exit(f"a process of {world} failed")


def _work(find: Find, rank: int, world: int, directory: Path) -> None:
    store = dist.FileStore(str(directory / f"store{world}"), world)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=world, timeout=timedelta(seconds=60))
    (directory / f"{world}-{rank}.json").write_text(json.dumps(find(rank, world)))
    dist.destroy_process_group()
