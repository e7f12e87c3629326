"""Host time of a fill on a GPU, until its kernel is queued: ``python -m benchmarks.launches``, without a GPU.

The driver is a stub that returns at once; its calls go through the real cuda.bindings. So the figures lack what the
driver itself takes, and what torch takes to say which stream is current.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import pytest
import torch
from fake_cuda import Driver
from torch_on_cuda import stand_in

import arrayinit
from arrayinit.backends import first_use

LAYERS = ((4096, 4096), (64, 3, 7, 7), (1000,))
FILLS: dict[str, Callable[[torch.Tensor, object], object]] = {
    "normal_": lambda x, rng: arrayinit.normal_(x, std=0.02, rng=rng),
    "trunc_normal_": lambda x, rng: arrayinit.trunc_normal_(x, std=0.02, a=-0.04, b=0.04, rng=rng),
    "kaiming_uniform_": lambda x, rng: arrayinit.kaiming_uniform_(x[None] if x.ndim == 1 else x, rng=rng),
}


def microseconds(call: Callable[[], object], rounds: int = 25, calls: int = 100) -> float:
    """Return the median over the rounds."""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(calls):
            call()
        times.append((perf_counter() - start) / calls * 1e6)
    return statistics.median(times)


def main() -> None:
    seed = arrayinit.fold_in(0, "encoder.0.weight")
    print("| fill of a tensor | microseconds |\n|---|---|")
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, Driver(), checked=False)
        # The stub computes nothing that a check could compare.
        patch.setenv(first_use.VARIABLE, "device")
        for shape in LAYERS:
            x = torch.empty(shape)
            turned = torch.empty(shape[::-1]).permute(*reversed(range(len(shape))))
            for name, fill in FILLS.items():
                fill(x, seed)
                print(f"| `{name}`, {shape} | {microseconds(lambda x=x, fill=fill: fill(x, seed)):.1f} |")
            took = microseconds(lambda x=turned: FILLS["normal_"](x, seed))
            print(f"| `normal_`, {shape}, transposed | {took:.1f} |")


if __name__ == "__main__":
    main()
