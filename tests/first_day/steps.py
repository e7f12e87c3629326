"""The steps, most important first. Each runs in a process of its own, within a time of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from first_day.report import FAILED, MISSING, Row, append, read

ROOT = Path(__file__).parents[2]

# After this many seconds a process that was asked to stop is ended.
PATIENCE = 10.0


class Size(NamedTuple):
    """How much a step measures, and until when."""

    seconds: float
    """A step that would take longer leaves the rest out."""
    binade: int = 1 << 23
    """Numbers in a binade."""
    stride: int = 1
    """Every how many-th operand of a fraction."""
    elements: int = 1 << 28
    """Elements of each law in float32."""
    elements_of_others: int = 1 << 24
    """The same in other dtypes."""
    elements_of_jax: int = 1 << 26
    loops: int = 4000
    """Trips of the loops that measure pipes."""
    calls: int = 200
    """Calls of a short function that are timed at once."""
    laws: tuple[str, ...] = ()
    """The names of the laws, or all."""
    benchmark: tuple[str, ...] = ()
    """Other options of the benchmark."""
    tests: tuple[str, ...] = ()
    """Arguments of pytest, or those of the suite."""
    libraries: tuple[str, ...] = ("torch:cuda", "cupy", "jax:gpu")


class Step(NamedTuple):
    """A name, the most seconds that it may take, and the function that yields its rows."""

    name: str
    seconds: float
    function: str
    library: str = ""


STEPS = (
    Step("arithmetic", 35, "first_day.arithmetic:measure"),
    Step("bits of torch", 50, "first_day.bits:of_torch", "torch:cuda"),
    Step("bits of CuPy", 40, "first_day.bits:of_cupy", "cupy"),
    Step("bits of JAX", 45, "first_day.bits:of_jax", "jax:gpu"),
    Step("kernels", 35, "first_day.pipes:kernels"),
    Step("rates", 15, "first_day.pipes:rates"),
    Step("launches", 15, "first_day.speed:launches"),
    Step("benchmark", 60, "first_day.speed:benchmark"),
    Step("suite", 60, "first_day.suite:measure"),
)

ESSENTIAL = ("arithmetic", "bits")
"""The steps, by the beginnings of their names, without which nothing is known."""


def rows_of(step: Step, size: Size) -> Iterator[Row]:
    """Run a step in this process. What it lacks, and what stops it, is a row."""
    module, _, function = step.function.partition(":")
    try:
        measure: Callable[[Size], Iterator[Row]] = getattr(import_module(module), function)
        yield from measure(size)
    except ImportError as error:
        yield Row(step.name, "all", str(error), outcome=MISSING)
    except NoDeviceError as error:
        yield Row(step.name, "all", str(error), outcome=MISSING)
    except Exception as error:  # noqa: BLE001 (the other steps are to run)
        traceback.print_exc()
        yield Row(step.name, "the rest", f"{type(error).__name__}: {error}"[:300], outcome=FAILED)


class NoDeviceError(Exception):
    """A library finds no GPU."""


def run(step: Step, size: Size, file: Path, *options: str, env: dict[str, str] | None = None) -> list[Row]:
    """Run a step in a process of its own, which may crash or hang, and return its rows."""
    given = (step.name, f"{size.seconds:g}", step.function, step.library)
    command = [sys.executable, "-m", "first_day", *given, str(file), *options]
    # A group of its own, which ends with it.
    process = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)
    failure = ""
    try:
        code = process.wait(size.seconds + PATIENCE)
        failure = f"the process ended with status {code}" if code else ""
    except subprocess.TimeoutExpired:
        failure = f"stopped after {size.seconds + PATIENCE:.0f} s"
    finally:
        for number in (signal.SIGINT, signal.SIGKILL):
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(PATIENCE)
        # Processes that it started may be left.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    rows = read(file)
    return [*rows, Row(step.name, "the rest", failure, outcome=FAILED)] if failure else rows


def run_all(chosen: list[Step], minutes: float, folder: Path, *options: str, env: dict[str, str]) -> list[Row]:
    """Run steps one after the other within some minutes."""
    end, rows = monotonic() + 60 * minutes, []
    for step in chosen:
        left = end - monotonic() - 2 * PATIENCE
        if left <= 0:
            rows.append(Row(step.name, "all", f"{minutes:g} minutes were over", outcome=MISSING))
            continue
        sys.stderr.write(f"[{60 * minutes - left - 2 * PATIENCE:.0f} s] {step.name}\n")
        size = Size(min(step.seconds, left))
        rows += run(step, size, folder / f"{step.name}.jsonl", *options, env=env)
    return rows


def main(arguments: list[str]) -> None:
    """Run one step, as `run` asks for it."""
    name, seconds, function, library, file, *options = arguments
    step, size = Step(name, float(seconds), function, library), Size(float(seconds))
    for option in options:
        key, _, value = option.removeprefix("--").partition("=")
        if key in ("libraries", "tests"):
            size = size._replace(**{key: tuple(value.split("\n"))})
    if "--rehearse" in options:
        from first_day.rehearsal import without_gpu

        with without_gpu(step.library) as small:
            _write(step, small(size), Path(file))
    else:
        _write(step, size, Path(file))


def _write(step: Step, size: Size, file: Path) -> None:
    for row in rows_of(step, size):
        append(file, row)
