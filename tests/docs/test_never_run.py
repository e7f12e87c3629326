"""A test that no session runs is found, and named; what needs a GPU or the workflow, and what cannot be, is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from never_run import main, never_run
from places import TESTS

pytestmark = pytest.mark.usefixtures("numpy_library")

FILE = """
import pytest
from libraries import no_such_case

def test_that_runs():
    pass

def test_that_fails():
    assert False

@pytest.mark.xfail(strict=True)
def test_of_a_known_fault():
    assert False

@pytest.mark.parametrize("name", ["a", "b::[c]"])
def test_with_what_is_not_installed(name):
    pytest.importorskip("no_such_module", reason="it is not installed")

def test_of_two_libraries(torch_library, jax_library):
    pass

@pytest.mark.parametrize("library", ["numpy", "torch:cuda"], indirect=True)
def test_of_a_library(library):
    if library.name == "numpy":
        no_such_case("NumPy has no GPU")

@pytest.mark.gpu(reason="it is fast")
def test_on_a_gpu():
    pytest.skip("there is no GPU")

@pytest.mark.large
def test_of_a_large_library():
    pytest.skip("it is not installed")

@pytest.mark.parametrize("library", ["tensorflow"], indirect=True)
def test_of_tensorflow(library):
    pass
"""


@pytest.fixture
def reports(tmp_path: Path) -> list[Path]:
    """Run these tests as two sessions, the second on two workers and with other tests left out."""
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_text((TESTS / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    (tests / "test_it.py").write_text(FILE)
    for room in ("core", "backends/jax", "backends/numpy", "backends/cupy", "backends/paddle"):
        (tests / room).mkdir(parents=True)
        (tests / room / f"test_{Path(room).name}.py").write_text("def test_that_runs():\n    pass\n")
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    found = []
    for name, options in (("first", ["-k", "not runs"]), ("second", ["-k", "runs", "-n2"])):
        found.append(tmp_path / f"{name}.xml")
        written = {"ARRAYINIT_TEST_BACKENDS": "numpy", "ARRAYINIT_TEST_COLLECTED": str(tmp_path / f"{name}.txt")}
        subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={found[-1]}", *options],
            cwd=tmp_path,
            env={**environment, **written, "PYTHONPATH": path},
            capture_output=True,
            check=False,
        )
    return found


def test_what_no_session_runs_is_named_with_the_reason(reports: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    tests = reports[0].parent / "tests"
    assert never_run(reports, tests) == {
        "tests/backends/jax/test_jax.py": "never collected",
        "tests/backends/cupy/test_cupy.py::test_that_runs": "never selected",
        "tests/test_it.py::test_of_two_libraries": "never selected",
        "tests/test_it.py::test_with_what_is_not_installed[a]": "it is not installed",
        "tests/test_it.py::test_with_what_is_not_installed[b::[c]]": "it is not installed",
    }
    assert "tests/test_it.py::test_that_runs" in never_run(reports[:1], tests)
    with pytest.raises(SystemExit, match=r"(?s)no session runs 5 tests:\n.*test_of_two_libraries: never selected\n"):
        main([*map(str, reports)], tests)
    assert not capsys.readouterr().out
