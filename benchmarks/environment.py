"""The machine and the versions of a result."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from arrayinit.kernels.threads import count, spread

PACKAGES = ("arrayinit", "numpy", "torch", "jax", "keras")


def environment(command: str, versions: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the machine and the versions of the packages; by default, the packages of the main benchmark."""
    return {
        "command": command,
        "date": str(dt.datetime.now(tz=dt.UTC).date()),
        "python": platform.python_version(),
        **(versions or {name: version(name) for name in PACKAGES}),
        "processor": processor(),
        "threads": str(count()),
        "cpus": f"{cpus():.2f}",
    }


def cpus() -> float:
    """Return CPU time over clock time: the CPUs that other work leaves to this process."""
    generators = [np.random.Philox(n) for n in range(count())]
    start = perf_counter(), process_time()
    spread(lambda generator: generator.random_raw(1 << 25), generators)
    return (process_time() - start[1]) / (perf_counter() - start[0])


def processor() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(": ")[2] if names else platform.machine()
