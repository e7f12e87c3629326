"""The command for a machine with a GPU, tried without one: its tests on NumPy, its benchmark's rows on the CPU."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from libraries import Library
from places import ROOT

pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").exists(), reason="the source distribution has no benchmarks")


def python(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def names_of_rows(library: str, directory: Path) -> list[str]:
    """Run the rows of a library on tiny arrays, and return their names as they would be on a GPU."""
    tiny = ("--device", "cpu", "--largest", "8", "--side", "16", "--rounds", "1", "--write", str(directory))
    done = python("-m", "benchmarks.gpu", *tiny, "--only", f"^{library}")
    assert done.returncode == 0, done.stderr
    assert "rows failed" not in done.stderr
    page, results = (
        (directory / "RESULTS-gpu-speed.md").read_text(),
        json.loads((directory / "results-gpu.json").read_text()),
    )
    assert "device cpu" in page
    names = [row["name"] for row in results["results"]]
    assert len(set(names)) == len(names)
    assert all(row["value"] > 0 and row["target"] is None for row in results["results"])
    assert all(f"| {name} " in page for name in names)
    full = {" CPU": " CUDA" if library == "torch" else " GPU", " 2^3,": " 2^30,", " 16": " 4096"}
    return [re.sub("|".join(map(re.escape, full)), lambda found: full[found[0]], name) for name in names]


def check_targets(label: str, names: list[str]) -> None:
    code = "import json, sys; from benchmarks.targets import GPU, TARGETS; "
    code += "print(json.dumps([(t.label, t.pattern) for t in TARGETS if t.group == GPU]))"
    goals = [pattern for goal, pattern in json.loads(python("-c", code).stdout) if goal.startswith(label)]
    assert goals
    for pattern in goals:
        assert [name for name in names if re.fullmatch(pattern, name)], pattern


def test_the_rows_of_torch_run_and_have_the_targets(torch_library: Library, tmp_path: Path) -> None:
    assert torch_library.module == "torch"
    names = names_of_rows("torch", tmp_path)
    assert len(names) == 2 * (2 * 2 * 3 + 2 * 2 + 2 + 2)
    check_targets("torch", names)


def test_the_rows_of_jax_run_and_have_the_targets(jax_library: Library, tmp_path: Path) -> None:
    assert jax_library.module == "jax"
    names = names_of_rows("JAX", tmp_path)
    assert len(names) == 2 * 4 * 3 * 2 + 4 + 2 * 2
    check_targets("JAX", names)


@pytest.mark.usefixtures("numpy_library")
def test_one_command_runs_the_tests_and_tells_of_failures() -> None:
    chosen = ("tests/core/test_core.py", "-p", "no:cacheprovider", "-k")
    run = ("tests/gpu.py", "--only", "suite", "--libraries", "numpy", *chosen)
    passed = python(*run, "fans")
    assert passed.returncode == 0, passed.stderr
    assert "Verdict: nothing is wrong in these steps." in passed.stdout
    nothing = python(*run, "nowhere")
    assert nothing.returncode == 2
    assert "pytest ended with status 5; 0 passed, 0 failed, 0 skipped" in nothing.stdout


@pytest.mark.usefixtures("numpy_library")
def test_a_test_that_fails_turns_the_verdict(tmp_path: Path) -> None:
    (tmp_path / "test_wrong.py").write_text("def test_right(): pass\n\ndef test_wrong(): assert 1 == 2\n")
    failed = python("tests/gpu.py", "--only", "suite", str(tmp_path), "-p", "no:cacheprovider", "--noconftest")
    assert failed.returncode == 1
    assert "NOT right: suite, test_wrong (assert 1 == 2), suite, tests (1 passed, 1 failed" in failed.stdout


@pytest.mark.usefixtures("numpy_library")
def test_a_run_with_other_options_does_not_pass_for_the_results() -> None:
    done = python("-m", "benchmarks.gpu", "--device", "cpu", "--write")
    assert done.returncode == 2
    assert "a full run on a GPU, without other options" in done.stderr
    for other in (("--rehearse",), ("--only", "suite"), ("-k", "fans")):
        done = python("tests/gpu.py", "--write", *other)
        assert done.returncode == 2
        assert "a full run on a GPU, without other options" in done.stderr
