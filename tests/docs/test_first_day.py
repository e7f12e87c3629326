"""The first day on a GPU, rehearsed without one: each line runs, and what is wrong turns the verdict."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from first_day.report import FAILED, FIGURE, MISSING, RIGHT, SHORT, WRONG, Row, append, page, read, table, verdict
from first_day.steps import ESSENTIAL, STEPS, Size, Step, rows_of, run, run_all
from libraries import Library, no_such_case
from places import ROOT

NAMES = {step.name: step for step in STEPS}
SEEN = [Row("arithmetic", "x", "0", "0", RIGHT), Row("bits of torch", "y", "0", "0", RIGHT)]


@pytest.fixture(scope="module")
def rehearsal() -> Any:
    """The module of the stand-ins, with its kernels compiled."""
    if sys.platform != "linux":
        no_such_case("the driver is built for Linux")
    if not find_spec("cuda") or not find_spec("cuda.bindings"):
        if "torch" in os.environ.get("ARRAYINIT_TEST_BACKENDS", "").split(","):
            raise ImportError("torch's wheels for CUDA require cuda.bindings, which is not installed")
        pytest.skip("cuda.bindings is not installed")
    from first_day import rehearsal

    if Path("/dev/nvidia0").exists():
        pytest.skip("there is a GPU, with its own driver")
    rehearsal.driver()
    return rehearsal


def rehearsed(rehearsal: Any, name: str) -> list[Row]:
    step = NAMES[name]
    with rehearsal.without_gpu(step.library) as small:
        return list(rows_of(step, small(Size(step.seconds))))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "bits of JAX"])
def test_each_step_runs(name: str, rehearsal: Any, torch_library: Library) -> None:
    assert torch_library.module == "torch"
    if name == "bits of CuPy" and not find_spec("cupy"):
        no_such_case("the package of CuPy tells its version")
    rows = rehearsed(rehearsal, name)
    assert rows
    assert {row.step for row in rows} == {name}
    assert {row.outcome for row in rows} <= {RIGHT, FIGURE, SHORT}
    assert (RIGHT in {row.outcome for row in rows}) == (name.startswith(ESSENTIAL) or name == "suite")


def test_the_step_of_jax_runs(rehearsal: Any, jax_library: Library) -> None:
    assert jax_library.module == "jax"
    rows = rehearsed(rehearsal, "bits of JAX")
    assert [row.outcome for row in rows] == [FIGURE, RIGHT, RIGHT]


@pytest.fixture
def units_off(rehearsal: Any) -> Iterator[ctypes.c_int]:
    """What is added to each reciprocal."""
    units = ctypes.c_int.in_dll(rehearsal.driver().kernels.library, "units_off")
    yield units
    units.value = 0


@pytest.mark.usefixtures("torch_library")
def test_a_reciprocal_that_is_2_ulp_off_turns_the_verdict(rehearsal: Any, units_off: ctypes.c_int) -> None:
    units_off.value = 2
    rows = rehearsed(rehearsal, "arithmetic")
    assert [row.outcome for row in rows if row.what.startswith("rcp")] == [WRONG]
    found = verdict([*rows, *SEEN], ESSENTIAL)
    assert found.status == 1
    assert "arithmetic, rcp.approx.ftz.f32, 512 numbers (" in found.text


@pytest.mark.usefixtures("torch_library")
@pytest.mark.parametrize("name", ["bits of torch", "bits of CuPy", "arithmetic"])
def test_a_wrong_bit_turns_the_verdict(name: str, rehearsal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "bits of CuPy" and not find_spec("cupy"):
        no_such_case("the package of CuPy tells its version")
    kernels = rehearsal.driver().kernels
    launch = kernels.launch

    def wrong(source: str, grid: int, arguments: Any) -> None:
        launch(source, grid, arguments)
        out = ctypes.cast(arguments, ctypes.POINTER(ctypes.POINTER(ctypes.POINTER(ctypes.c_ubyte))))[0][0]
        out[8] ^= 1

    monkeypatch.setattr(kernels, "launch", wrong)
    rows = rehearsed(rehearsal, name)
    assert WRONG in {row.outcome for row in rows}
    assert RIGHT not in {row.outcome for row in rows[2:]}
    found = verdict([*rows, *SEEN], ESSENTIAL)
    assert found.status == 1
    assert found.text.startswith("the kernels are NOT right")
    if name.startswith("bits"):
        assert "1 of 5000 elements differ, the first is 2" in found.text


def test_a_wrong_bit_of_jax_turns_the_verdict(
    rehearsal: Any, monkeypatch: pytest.MonkeyPatch, jax_library: Library
) -> None:
    assert jax_library.module == "jax"
    from arrayinit.kernels import xla_programs

    arranged = xla_programs.arranged
    monkeypatch.setattr(xla_programs, "arranged", lambda *given, **named: arranged(*given, **named).at[3].set(7.0))
    rows = rehearsed(rehearsal, "bits of JAX")
    assert [row.outcome for row in rows] == [FIGURE, *[WRONG] * 4]
    assert verdict([*rows, *SEEN], ESSENTIAL).status == 1


@pytest.mark.parametrize(
    ("rows", "status", "words"),
    [
        (SEEN, 0, "the kernels are right"),
        ([*SEEN, Row("bits of JAX", "z", "1", "0", WRONG)], 1, "the kernels are NOT right: bits of JAX, z (1)"),
        (SEEN[:1], 2, "no result of bits"),
        (SEEN[1:], 2, "no result of arithmetic"),
        ([], 2, "no result of arithmetic, bits"),
        ([*SEEN, Row("bits of CuPy", "the rest", "stopped", "", FAILED)], 2, "bits of CuPy, the rest (stopped)"),
        ([*SEEN, Row("rates", "the rest", "stopped", "", FAILED)], 0, "are right; failed: rates"),
        ([*SEEN, Row("bits of CuPy", "all", "no module", "", MISSING)], 0, "are right; not measured: bits of CuPy"),
        ([*SEEN, Row("kernels", "float32", "32 warps", "48 warps", SHORT)], 0, "are right; short of a bound: kernels"),
    ],
)
def test_the_verdict_follows_from_the_rows(rows: list[Row], status: int, words: str, numpy_library: Library) -> None:
    assert numpy_library.module == "numpy"
    found = verdict(rows, ESSENTIAL)
    assert found.status == status
    assert words in found.text
    assert found.text in page(rows, found, "a command", "2026-01-01")


@pytest.mark.usefixtures("numpy_library")
def test_a_part_of_the_steps_says_nothing_of_the_kernels() -> None:
    rows = [Row("suite", "tests", "3 passed", "to pass", RIGHT)]
    assert verdict(rows, (), whole=False) == ("nothing is wrong in these steps", 0)
    assert verdict([*rows, Row("suite", "the rest", "stopped", "", FAILED)], (), whole=False).status == 2


FAULTS = """
import ctypes, sys, time
from first_day.report import RIGHT, Row
from first_day.steps import NoDeviceError

def measure(size):
    yield Row("a step", "first", "1", "1", RIGHT)
    {fault}
"""


@pytest.mark.usefixtures("numpy_library")
@pytest.mark.parametrize(
    ("fault", "outcome", "value"),
    [
        ("time.sleep(600)", FAILED, "stopped after"),
        ("ctypes.string_at(0)", FAILED, "status -11"),
        ("raise ValueError('no')", FAILED, "ValueError: no"),
        ("import no_such_module", MISSING, "No module named 'no_such_module'"),
        ("raise NoDeviceError('no GPU')", MISSING, "no GPU"),
        ("return", RIGHT, "1"),
    ],
)
def test_a_step_that_goes_wrong_hides_no_other(
    fault: str, outcome: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faults.py").write_text(FAULTS.format(fault=fault))
    monkeypatch.setattr("first_day.steps.PATIENCE", 0.5)
    seconds = 1.0 if "sleep" in fault else 30.0
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "tests"), str(ROOT / "src")])}
    rows = run(Step("a step", seconds, "faults:measure"), Size(seconds), tmp_path / "rows", env=env)
    assert rows[0] == ("a step", "first", "1", "1", RIGHT)
    assert (rows[-1].outcome, len(rows)) == (outcome, 1 if outcome == RIGHT else 2)
    assert value in rows[-1].value


@pytest.mark.usefixtures("numpy_library")
def test_no_step_begins_when_the_time_is_over(tmp_path: Path) -> None:
    rows = run_all(list(STEPS), 0.0, tmp_path, env={})
    assert [(row.step, row.outcome) for row in rows] == [(step.name, MISSING) for step in STEPS]
    assert sum(step.seconds for step in STEPS) <= 360


@pytest.mark.usefixtures("numpy_library")
def test_rows_are_kept_but_for_a_line_that_was_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    assert read(file) == []
    for row in SEEN:
        append(file, row)
    file.write_text(file.read_text() + '["arith')
    assert read(file) == SEEN
    lines = table([*SEEN, Row("a | b", "two\nlines", "")]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].startswith("| a / b         | two lines |")


@pytest.mark.usefixtures("torch_library")
def test_one_command_ends_with_a_table_and_a_verdict(rehearsal: Any) -> None:
    assert rehearsal
    command = [sys.executable, "tests/gpu.py", "--rehearse", "--only", "arithmetic"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("| step ")
    assert lines[-1].startswith("Verdict: a rehearsal without a GPU, which says nothing of one.")
    assert sum("quotients" in line and line.endswith("| right   |") for line in lines) == 11
