"""All that needs a GPU, by one command: ``python tests/gpu.py``, in six minutes; one table and one verdict.

It takes the libraries of the Python that runs it, this checkout's arrayinit, and nothing from the network. Other
arguments go to pytest, in place of the tests that the last step chooses.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from first_day import report
from first_day.steps import ESSENTIAL, STEPS, run_all

ROOT = Path(__file__).parents[1]
LIBRARIES = ("cupy", "torch:cuda", "jax:gpu")


def unpacked(wheels: Path, target: str) -> str:
    """Install the wheels into a directory of their own, without looking for what they need."""
    files = sorted(map(str, wheels.resolve().glob("*.whl")))
    if not files:
        sys.exit(f"{wheels} holds no wheels")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", target, *files)
    if subprocess.run(pip, check=False).returncode:
        sys.exit("the wheels could not be installed")
    return target


def environment(wheels: Path | None, folder: Path) -> dict[str, str]:
    """Return the variables for all steps."""
    paths = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT)]
    env = dict(os.environ)
    if wheels:
        paths.append(unpacked(wheels, str(folder / "wheels")))
        # Where libraries of NVIDIA lie in wheels, which are found in an installation by themselves.
        libraries = map(str, (folder / "wheels" / "nvidia").glob("*/lib"))
        env["LD_LIBRARY_PATH"] = os.pathsep.join([*libraries, *filter(None, [env.get("LD_LIBRARY_PATH")])])
    env["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [env.get("PYTHONPATH")])])
    # All kernels are compiled in this run, and once.
    env["ARRAYINIT_CACHE_DIR"] = str(folder / "kernels")
    # JAX would take three quarters of the GPU's memory.
    env.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    return env


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/gpu.py", description=__doc__)
    parser.add_argument("--wheels", type=Path, metavar="DIRECTORY", help="what this Python lacks, as wheels")
    parser.add_argument("--libraries", default=",".join(LIBRARIES), help="of %(default)s, by commas")
    parser.add_argument("--only", metavar="STEPS", default="", help=f"some of {', '.join(s.name for s in STEPS)}")
    parser.add_argument("--minutes", type=float, default=6.0, help="after which no step runs; %(default)g by default")
    parser.add_argument("--rehearse", action="store_true", help="show without a GPU that each step runs")
    parser.add_argument("--write", action="store_true", help="leave the table in benchmarks/RESULTS-gpu.md")
    asked, pytest = parser.parse_known_args()
    if asked.write and (asked.rehearse or asked.only or pytest):
        parser.error("what is written to benchmarks/ is a full run on a GPU, without other options")
    names = [name for name in asked.only.split(",") if name] or [step.name for step in STEPS]
    unknown = set(names).difference(step.name for step in STEPS)
    if unknown:
        parser.error(f"no step is called {', '.join(sorted(unknown))}")
    libraries = asked.libraries.split(",")
    chosen = [s for s in STEPS if s.name in names and (not s.library or s.library in libraries or asked.rehearse)]

    if pytest:
        # Its time is for the tests that the suite chooses.
        chosen = [s._replace(seconds=60 * asked.minutes) if s.name == "suite" else s for s in chosen]

    options = ["--libraries=" + "\n".join(libraries)]
    options += ["--tests=" + "\n".join(pytest)] if pytest else []
    options += ["--rehearse"] if asked.rehearse else []
    with tempfile.TemporaryDirectory() as folder:
        rows = run_all(chosen, asked.minutes, Path(folder), *options, env=environment(asked.wheels, Path(folder)))
    # Of some steps only what they are about is asked.
    essential = [name for name in ESSENTIAL if any(step.name.startswith(name) for step in chosen)]
    found = report.verdict(rows, essential, whole=not asked.only)
    if asked.rehearse:
        found = found._replace(text=f"a rehearsal without a GPU, which says nothing of one. Its end: {found.text}")
    sys.stdout.write(f"{report.table(rows)}\n\nVerdict: {found.text}.\n")
    if asked.write:
        command, date = shlex.join(["python", *sys.argv]), str(dt.datetime.now(tz=dt.UTC).date())
        (ROOT / "benchmarks" / "RESULTS-gpu.md").write_text(report.page(rows, found, command, date))
    sys.exit(found.status)


if __name__ == "__main__":
    main()
