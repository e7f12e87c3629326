"""How long a launch takes, and how fast arrays are filled."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import arrayinit
from arrayinit.backends import first_use
from arrayinit.initializers import fill
from first_day.report import FAILED, MISSING, Row, bounded
from first_day.steps import ROOT, NoDeviceError, Size

_ROUNDS = 7

# The largest arrays, and of torch those of a large layer too.
_ROWS = {
    "torch:cuda": r"^torch CUDA 2\^(25|30), \w+, seed: ",
    "cupy": r"^CuPy 2\^30, float32, seed: (uniform|normal|trunc)",
    "jax:gpu": r"^JAX GPU( under jit)? 2\^30, float32, seed: ",
}


def launches(size: Size) -> Iterator[Row]:
    """Yield the host's time of a fill of a layer by torch, queued and waited for, and that of the first check."""
    import torch

    if not torch.cuda.is_available():
        raise NoDeviceError("torch finds no GPU")
    x = torch.empty((64, 64), device="cuda")
    seed = arrayinit.fold_in(0, "encoder.0.weight")
    calls: dict[str, Callable[[], object]] = {
        "normal_ of 64 x 64": lambda: arrayinit.normal_(x, std=0.02, rng=seed),
        "torch's own normal_": lambda: x.normal_(0.0, 0.02),
    }
    for name, call in calls.items():
        for waits in (False, True):
            took = _microseconds(call, size.calls, torch.cuda.synchronize, waits=waits)
            what = f"{name}, {'waited for' if waits else 'queued'}"
            if waits or "torch" in name:
                yield Row("launches", what, f"{took:.1f} us")
            else:
                yield bounded("launches", what, f"{took:.1f} us", "20 us", met=took <= 20)
    first_use._answers.clear()
    fill._prepared.clear()
    torch.cuda.synchronize()
    start = perf_counter()
    calls["normal_ of 64 x 64"]()
    torch.cuda.synchronize()
    took = (perf_counter() - start) * 1e3
    yield bounded("launches", "a first fill, with its check", f"{took:.2f} ms", "5 ms", met=took <= 5)


def _microseconds(call: Callable[[], object], count: int, wait: Callable[[], None], *, waits: bool) -> float:
    """Return the median over rounds of the mean time of a call."""
    times = []
    call()
    for _ in range(_ROUNDS):
        wait()
        start = perf_counter()
        for _ in range(count):
            call()
            if waits:
                wait()
        times.append((perf_counter() - start) / count * 1e6)
    wait()
    return statistics.median(times)


def benchmark(size: Size) -> Iterator[Row]:
    """Yield arrayinit's time, its speed over the library's own, and its share of the bandwidth of a constant fill."""
    if not (ROOT / "benchmarks").exists():
        yield Row("benchmark", "all", "the source distribution has no benchmarks", outcome=MISSING)
        return
    chosen = [name for name in _ROWS if name in size.libraries]
    for library in chosen:
        options = size.benchmark or ("--quick", "--only", _ROWS[library])
        module = library.partition(":")[0]
        yield from _of(module, ("--libraries", module, *options), size.seconds / len(chosen))


def _of(library: str, options: tuple[str, ...], seconds: float) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.gpu", *options, "--write", folder]
        try:
            status = str(
                subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False, timeout=seconds).returncode
            )
        except subprocess.TimeoutExpired:
            status = f"stopped after {seconds:.0f} s"
        file = Path(folder, "results-gpu.json")
        results = {row["name"]: row for row in json.loads(file.read_text())["results"]} if file.exists() else {}
    if status != "0":
        yield Row("benchmark", f"some rows of {library}" if results else library, f"status {status}", outcome=FAILED)
    # Rows without a peer have a share alone.
    for name in dict.fromkeys(name.removesuffix(", share") for name in results):
        row, share = results.get(name), results.get(f"{name}, share")
        took = (row or share)["arrayinit, ms"]
        parts = [f"{took:.3g} ms"]
        parts += [f"{row['value']:.2f} times the library's own speed"] if row else []
        parts += [f"{share['value']:.0%} of a constant fill's bandwidth"] if share else []
        yield Row("benchmark", name, ", ".join(parts))
