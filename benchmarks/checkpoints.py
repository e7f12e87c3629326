"""A file larger than the memory that it takes: ``python -m benchmarks.checkpoints FOLDER`` tells the peak.

It creates a safetensors file of 6 GiB, of LLaMA's layers in bfloat16, and polls RssAnon, the anonymous memory of the
process.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import arrayinit as ai

RULES: list[Any] = [("*norm.weight", ai.ones()), ("weight", ai.normal(std=0.02))]
WIDTH, HIDDEN, VOCABULARY, LAYERS = 4096, 11_008, 32_000, 16
INTERVAL = 0.002


def structs(layers: int = LAYERS, width: int = WIDTH, hidden: int = HIDDEN) -> Any:
    """Return LLaMA-7B on the meta device, with fewer layers."""
    import torch
    from torch.nn import Embedding, Linear, ModuleDict, ModuleList, RMSNorm

    def block() -> ModuleDict:
        square = {name: Linear(width, width, bias=False) for name in ("q_proj", "k_proj", "v_proj", "o_proj")}
        wide = {name: Linear(width, hidden, bias=False) for name in ("gate_proj", "up_proj")}
        norms = {name: RMSNorm(width) for name in ("input_norm", "post_norm")}
        return ModuleDict({**square, **wide, "down_proj": Linear(hidden, width, bias=False), **norms})

    with torch.device("meta"):
        model = ModuleDict(
            {"embed": Embedding(VOCABULARY, width), "layers": ModuleList(block() for _ in range(layers))}
        )
        return model.to(torch.bfloat16)


def anonymous() -> int:
    """Return the anonymous memory of this process, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def peak_of(work: Callable[[], object]) -> int:
    """Return the peak of the anonymous memory during the work, in KiB."""
    found, is_done = [anonymous()], threading.Event()

    def poll() -> None:
        while not is_done.wait(INTERVAL):
            found.append(anonymous())

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        work()
    finally:
        is_done.set()
        thread.join()
    return max(found)


def main(folder: str) -> None:
    path = Path(folder) / "benchmark.safetensors"
    ai.checkpoints.create(path, structs(1, 64, 64), RULES, rng=0, overwrite=True)
    model, before, start, cpu = structs(), anonymous(), perf_counter(), process_time()
    peak = peak_of(lambda: ai.checkpoints.create(path, model, RULES, rng=0, overwrite=True))
    seconds, work = perf_counter() - start, process_time() - cpu
    try:
        print(f"created {path.stat().st_size / 2**30:.2f} GiB in {seconds:.1f} s, {work:.1f} s of the process")
        print(f"RssAnon: {before / 1024:.0f} MiB before, at most {peak / 1024:.0f} MiB")
    finally:
        path.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
