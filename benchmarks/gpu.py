"""Measure the GPU with the installed libraries: ``python -m benchmarks.gpu``."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module

# By default, JAX takes three quarters of the GPU's memory. torch and CuPy run in the same process.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

from benchmarks import gpu_rows
from benchmarks.environment import environment
from benchmarks.options import HERE, add_common, effort_of
from benchmarks.report import as_json, markdown, measure
from benchmarks.timing import Case, Effort, Pair, Result, compare


def libraries(asked: list[str], *, on_gpu: bool) -> Iterator[tuple[str, str]]:
    """Return those of the libraries that are installed with a device of this kind, and the name of the device."""
    for name in asked:
        try:
            device = DEVICES[name](on_gpu)
        except (ImportError, RuntimeError) as error:
            print(f"without {name}: {error}", file=sys.stderr)
        else:
            yield name, device


def torch_device(on_gpu: bool) -> str:
    import torch

    if on_gpu and not torch.cuda.is_available():
        raise RuntimeError("it finds no GPU")
    return str(torch.cuda.get_device_name()) if on_gpu else "cpu"


def jax_device(on_gpu: bool) -> str:
    import jax

    # All rows use the default device.
    (device,) = jax.devices("gpu" if on_gpu else "cpu")[:1]
    jax.config.update("jax_default_device", device)
    return str(device.device_kind)


def cupy_device(on_gpu: bool) -> str:
    import cupy

    if not on_gpu:
        raise RuntimeError("it has no arrays on a CPU")
    return str(cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode())


DEVICES = {"torch": torch_device, "jax": jax_device, "cupy": cupy_device}


def pairs(names: list[str], sizes: gpu_rows.Sizes, *, on_gpu: bool) -> Iterator[Pair]:
    if "torch" in names:
        yield from gpu_rows.torch_pairs(sizes, on_gpu=on_gpu)
    if "jax" in names:
        yield from gpu_rows.jax_pairs(sizes, on_gpu=on_gpu)
    if "cupy" in names:
        yield from gpu_rows.cupy_pairs(sizes)


def attempt(pair: Pair, failed: list[str], effort: Effort) -> list[Result]:
    """Measure a row. A row without enough memory does not end the run."""
    try:
        return compare(pair, effort)
    except (RuntimeError, MemoryError) as error:
        failed.append(pair.name)
        print(f"{pair.name} failed: {error!r}", file=sys.stderr)
        return []


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--only", metavar="PATTERN", default="", help="the rows whose name this is found in")
    parser.add_argument("--libraries", default=",".join(DEVICES), help="of %(default)s, by commas")
    parser.add_argument("--largest", type=int, metavar="N", default=1 << 30, help="elements of the largest array")
    parser.add_argument("--side", type=int, metavar="N", default=4096, help="of the matrices; an eighth for dirac_")
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu", help="a CPU only shows that the rows run")
    add_common(parser, "RESULTS-gpu-speed.md and results-gpu.json")
    asked = parser.parse_args()
    whole = {
        name: parser.get_default(name) for name in ("quick", "only", "libraries", "largest", "side", "rounds", "device")
    }
    if asked.write == HERE and any(getattr(asked, name) != value for name, value in whole.items()):
        parser.error("what is written to benchmarks/ is a full run on a GPU, without other options")
    return asked


def main() -> None:
    asked = options()
    on_gpu = asked.device == "gpu"
    effort = effort_of(asked)
    found = dict(libraries(asked.libraries.split(","), on_gpu=on_gpu))
    if not found:
        sys.exit(f"no library has a {asked.device.upper()}")
    elements = tuple(n for n in gpu_rows.Sizes().elements if n <= asked.largest) or (asked.largest,)
    sizes = gpu_rows.Sizes(elements, asked.side, asked.side // 8)
    rows = [pair for pair in pairs(list(found), sizes, on_gpu=on_gpu) if re.search(asked.only, pair.name)]
    failed: list[str] = []
    results = measure([Case((pair.name,), partial(attempt, pair, failed)) for pair in rows], effort)

    versions = {name: import_module(name).__version__ for name in ("arrayinit", "numpy", *found)}
    versions["device"] = " and ".join(sorted(set(found.values())))
    about = environment(shlex.join(["python", "-m", "benchmarks.gpu", *sys.argv[1:]]), versions)
    if asked.write:
        asked.write.mkdir(parents=True, exist_ok=True)
        (asked.write / "RESULTS-gpu-speed.md").write_text(markdown(about, results))
        (asked.write / "results-gpu.json").write_text(as_json(about, results))
    print(markdown(about, results))
    if failed:
        sys.exit(f"{len(failed)} rows failed: {'; '.join(failed)}")


if __name__ == "__main__":
    main()
