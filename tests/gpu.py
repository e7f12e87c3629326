"""All that needs a GPU, by one command: ``python tests/gpu.py``; the tests of each library, then the benchmark.

It takes the libraries of the Python that runs it, this checkout's arrayinit, and nothing from the network.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARIES = ("cupy", "torch:cuda", "jax:gpu")


def run(*command: str, env: dict[str, str]) -> int:
    sys.stderr.write(f"$ python {shlex.join(command)}\n")
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=env, check=False).returncode


def unpacked(wheels: Path, target: str) -> str:
    """Install the wheels into a directory of their own, without looking for what they need."""
    files = sorted(map(str, wheels.resolve().glob("*.whl")))
    if not files:
        sys.exit(f"{wheels} holds no wheels")
    pip = ("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", target, *files)
    if run(*pip, env=dict(os.environ)):
        sys.exit("the wheels could not be installed")
    return target


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/gpu.py", description=__doc__)
    parser.add_argument(
        "--wheels", type=Path, metavar="DIRECTORY", help="what this Python lacks, as pure-Python wheels"
    )
    parser.add_argument("--libraries", default=",".join(LIBRARIES), help="of %(default)s, by commas")
    parser.add_argument("--only", choices=("tests", "benchmark"), help="and not the other")
    parser.add_argument("--write", action="store_true", help="leave the results of the benchmark in benchmarks/")
    asked, pytest = parser.parse_known_args()

    with tempfile.TemporaryDirectory() as target:
        paths = [str(ROOT / "src"), *([unpacked(asked.wheels, target)] if asked.wheels else [])]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])])}
        codes = []
        if asked.only != "benchmark":
            tests = ("-m", "pytest", "-m", "not peers", *pytest)
            codes.append(run(*tests, env={**env, "ARRAYINIT_TEST_BACKENDS": asked.libraries}))
        if asked.only != "tests":
            codes.append(run("-m", "benchmarks.gpu", *(["--write"] if asked.write else []), env=env))
    sys.exit(max(map(abs, codes)))


if __name__ == "__main__":
    main()
