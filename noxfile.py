"""The checks of the project: plain ``nox`` runs all of them but ``gpu``."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_external_run = True

# To compile all modules takes longer than to unpack them, threefold for torch; what is imported is compiled then.
os.environ.setdefault("PIP_NO_COMPILE", "1")

GROUPS = nox.project.load_toml("pyproject.toml")["dependency-groups"]
REPORTS = Path(".nox", "reports").resolve()

# A bare "torch" brings gigabytes of CUDA libraries with it; installed first, this one stays.
TORCH = "torch==2.13.0"

# Pinned, so that a framework which mends a fault fails no unrelated change. MLX has no wheels for Windows.
PEERS = {
    "jax": "jax==0.10.2",
    "flax": "flax==0.12.8",
    "haiku": "dm-haiku==0.0.17",
    "keras": "keras==3.15.1",
    "transformers": "transformers==5.24.0",
}
if sys.platform != "win32":
    PEERS["mlx"] = "mlx[cpu]==0.32.4"

# Not in torch's CPU wheel. Its interpreter and its compiler need no GPU; older ones flush subnormal numbers.
TRITON = ("--no-deps", "triton==3.6.0")

# Without the CUDA libraries nothing can run, but everything can be imported.
CUPY = ("--no-deps", "cupy-cuda12x==14.2.0", "cuda-pathfinder")

# Most tests use one core each; on many the frameworks' own threads take the rest.
PARALLEL = ("--numprocesses=auto", "--maxprocesses=4")

# Together these run every test that needs no GPU.
SUITE = ("numpy", "strict", "torch", "jax", "dask", "peers", "cupy", "triton", "examples")

reports: list[Path] = []


def pytest(session: nox.Session, *arguments: str, **env: str) -> None:
    """Run pytest, and leave its counts for ``summary``, and the names of the tests that some session has to run."""
    report = REPORTS / f"{session.name}.xml"
    collected = report.with_suffix(".txt")
    for file in (report, collected):
        file.unlink(missing_ok=True)
    REPORTS.mkdir(parents=True, exist_ok=True)
    reports.append(report)
    env["ARRAYINIT_TEST_COLLECTED"] = str(collected)
    session.run("pytest", f"--junitxml={report}", *arguments, *session.posargs, env=env)


def check_backend(
    session: nox.Session, backend: str, *requirements: str, marked: str = "not peers", **env: str
) -> None:
    """Run the whole suite on one backend, with nothing else installed."""
    session.install(".", *GROUPS["test"], *requirements)
    pytest(session, *PARALLEL, "-m", marked, ARRAYINIT_TEST_BACKENDS=backend, **env)


@nox.session
def numpy(session: nox.Session) -> None:
    """Run the tests on NumPy, with the bfloat16 of ml_dtypes."""
    check_backend(session, "numpy", "ml_dtypes", ARRAYINIT_TEST_PEERS="ml_dtypes")


@nox.session
def strict(session: nox.Session) -> None:
    """Run the tests on array-api-strict, which stands for any array API library."""
    check_backend(session, "strict", "array-api-strict")


@nox.session
def torch(session: nox.Session) -> None:
    """Run the tests on PyTorch."""
    session.install(TORCH)
    check_backend(session, "torch")


@nox.session
def jax(session: nox.Session) -> None:
    """Run the tests on JAX."""
    check_backend(session, "jax", "jax")


@nox.session
def dask(session: nox.Session) -> None:
    """Run the tests on Dask, and on its processes."""
    check_backend(session, "dask", "dask[array]", "distributed")


@nox.session
def peers(session: nox.Session) -> None:
    """Compare with the initializers of the frameworks, and copy from each library to each other."""
    session.install(TORCH)
    session.install(".", *GROUPS["test"], *PEERS.values(), "dask[array]", "array-api-strict")
    asked = ",".join(["torch", "dask", "array_api_strict", *PEERS])
    pytest(session, *PARALLEL, "-m", "peers or pairs", ARRAYINIT_TEST_PEERS=asked)


@nox.session
def cupy(session: nox.Session) -> None:
    """Check the calls to CuPy against its signatures; no GPU is needed."""
    session.install(*CUPY)
    check_backend(session, "cupy")


@nox.session
def triton(session: nox.Session) -> None:
    """Run Triton's kernels in its interpreter, and read what its compiler makes of them; no GPU is needed."""
    if sys.platform != "linux":
        session.skip("Triton has wheels for Linux only")
    session.install(TORCH)
    session.install(*TRITON)
    session.install(".", *GROUPS["test"])
    files = ("tests/backends/torch/test_triton.py", "tests/backends/torch/test_triton_ptx.py")
    # By files, since the compiler's work is shared by the tests of one.
    pytest(session, *PARALLEL, "--dist=loadfile", *files, ARRAYINIT_TEST_BACKENDS="torch", TRITON_INTERPRET="1")


@nox.session(default=False, venv_backend="none")
def gpu(session: nox.Session) -> None:
    """Run the tests and the benchmark on the GPU, with the libraries of the environment that nox runs in."""
    # Which builds of CuPy, PyTorch and JAX fit is up to the driver, so none is installed here.
    session.run("python", "tests/gpu.py", *session.posargs)


@nox.session
def oldest(session: nox.Session) -> None:
    """Run the tests on the oldest supported dependencies."""
    if sys.version_info >= (3, 13):
        session.skip("NumPy 2.0 has no wheel for this Python")
    pins = ("numpy==2.0.0", "scipy==1.13.0", "array-api-compat==1.11")
    check_backend(session, "numpy", *pins, marked="not peers and not fuzz")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*GROUPS["lint"])
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types with two checkers."""
    # With every backend: where one is missing, basedpyright takes `import torch` for our own torch.py.
    session.install(TORCH)
    if sys.platform == "linux":
        session.install(*TRITON)
    session.install(*CUPY)
    session.install(".", *GROUPS["types"], "jax", "dask[array]", "array-api-strict")
    session.run("mypy")
    session.run("basedpyright")


@nox.session
def examples(session: nox.Session) -> None:
    """Run the examples in the docstrings and the README; test those that stand alone, and run each as a user does."""
    session.install(TORCH)
    session.install("--editable", ".", *GROUPS["test"], *GROUPS["examples"], "jax", "dask[array]", "array-api-strict")
    # An import error can only be a backend's that is not installed: any other fails every session.
    doctests = ("--doctest-modules", "--doctest-ignore-import-errors", "--doctest-glob=README.md")
    files = ("src", "README.md", "tests/docs/test_examples.py")
    pytest(session, *doctests, *files, ARRAYINIT_TEST_BACKENDS="numpy,torch,jax")
    for example in sorted(Path("examples").glob("*.py")):
        session.run("python", str(example))


@nox.session
def build(session: nox.Session) -> None:
    """Build the distributions and try the wheel in an empty environment."""
    session.install("build")
    directory = Path(session.create_tmp()).resolve()
    shutil.rmtree(directory / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(directory / "dist"))
    (wheel,) = (directory / "dist").glob("*.whl")
    session.run("python", "-m", "venv", "--clear", str(directory / "empty"))
    python = str(directory / "empty" / ("Scripts" if os.name == "nt" else "bin") / "python")
    session.run(python, "-m", "pip", "install", str(wheel), external=True)
    # Away from the checkout, so that only the wheel can be imported.
    with session.chdir(directory):
        session.run(python, "-c", "import arrayinit", external=True)
        session.run(python, "-m", "arrayinit", "--help", external=True)
        session.run(python, "-m", "arrayinit", "--backend", "numpy", external=True)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure against the initializers of the frameworks; ``-- --quick`` takes two minutes."""
    session.install(TORCH)
    session.install(".", *GROUPS["bench"], PEERS["jax"], PEERS["keras"])
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(venv_backend="none")
def summary(session: nox.Session) -> None:
    """Sum the tests of all sessions before this one, and fail if none of them has run some test."""
    passed = failed = skipped = 0
    for report in reports:
        if not report.exists():
            failed += 1  # pytest did not live to write it
            continue
        for suite in ET.parse(report).iter("testsuite"):
            bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            idle = int(suite.get("skipped", 0))
            passed += int(suite.get("tests", 0)) - bad - idle
            failed += bad
            skipped += idle
    # nox prints its own table after the last session; the totals are to close the output.
    atexit.register(print, f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    # A session on its own, or a part of the tests, says nothing of the rest.
    if not session.posargs and {report.stem for report in reports if report.exists()} >= set(SUITE):
        session.run(sys.executable, "tests/never_run.py", *map(str, reports), external=True)
