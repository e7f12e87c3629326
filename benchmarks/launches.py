"""Host time of a fill on a GPU, until its kernel is queued: ``python -m benchmarks.launches``, without a GPU.

The driver is a stub that returns at once; its calls go through the real cuda.bindings. So the figures lack what the
driver itself takes, and what torch takes to say which stream is current.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import numpy as np
import pytest
import torch
from fake_cuda import Driver
from torch_on_cuda import stand_in

import arrayinit
from arrayinit.backends import first_use
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import Seed

DRAW = Draw(Normal(0.0, 1.0), Seed((1,)), FORMATS["float32"], (1,), (0,))
EXPECTED = arrayinit.normal_(np.empty(4096, np.float32), rng=0).tobytes()
LAYERS = ((4096, 4096), (64, 3, 7, 7), (1000,))
FILLS: dict[str, Callable[[torch.Tensor, object], object]] = {
    "normal_": lambda x, rng: arrayinit.normal_(x, std=0.02, rng=rng),
    "trunc_normal_": lambda x, rng: arrayinit.trunc_normal_(x, std=0.02, a=-0.04, b=0.04, rng=rng),
    "kaiming_uniform_": lambda x, rng: arrayinit.kaiming_uniform_(x[None] if x.ndim == 1 else x, rng=rng),
}


def microseconds(call: Callable[[], object], rounds: int, calls: int = 100) -> str:
    """Return the least and the median over the rounds."""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(calls):
            call()
        times.append((perf_counter() - start) / calls * 1e6)
    return f"{min(times):.1f} | {statistics.median(times):.1f}"


def check() -> None:
    """Do the host's part of the check at the first use."""
    first_use._answers.clear()
    first_use.is_right("a device", DRAW, lambda _: EXPECTED)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.launches", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="of 100 calls each")
    rounds = parser.parse_args().rounds
    seed = arrayinit.fold_in(0, "encoder.0.weight")
    print("| fill of a tensor | least, microseconds | median |\n|---|---|---|")
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, Driver(), checked=False)
        # The stub computes nothing that a check could compare.
        patch.setenv(first_use.VARIABLE, "device")
        for shape in LAYERS:
            x = torch.empty(shape)
            turned = torch.empty(shape[::-1]).permute(*reversed(range(len(shape))))
            for name, fill in FILLS.items():
                fill(x, seed)
                print(f"| `{name}`, {shape} | {microseconds(lambda x=x, fill=fill: fill(x, seed), rounds)} |")
            took = microseconds(lambda x=turned: FILLS["normal_"](x, seed), rounds)
            print(f"| `normal_`, {shape}, transposed | {took} |")
        patch.setenv(first_use.VARIABLE, "check")
        print(f"| the check at the first use, the host's part | {microseconds(check, rounds, 10)} |")


if __name__ == "__main__":
    main()
