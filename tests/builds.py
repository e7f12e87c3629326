"""Install arrayinit as users do, with and without a compiler: ``python tests/builds.py FOLDER EDITABLE_WHEEL``.

FOLDER has the distributions that ``python -m build`` made. The Python that runs this has what builds arrayinit, so that
the builds without a compiler download nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The first digits of the SHA-256 of what a seed gives, with any core.
_DIGEST = """
import hashlib, numpy, arrayinit
x = arrayinit.normal_(numpy.empty((401, 389), numpy.float32), rng=0)
print(hashlib.sha256(x).hexdigest()[:16])
"""
_CORE = "compiled core: "
_PURE = "without its compiled core"


def run(*command: str | Path, **variables: str) -> str:
    """Run a command away from the checkout, so that only what is installed can be imported, and return its output."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CC", "PYTHONPATH")} | variables
    sys.stdout.write(f"$ {' '.join(map(str, command))}\n")
    sys.stdout.flush()
    return subprocess.run(command, cwd=Path(sys.prefix), env=environment, check=True, stdout=-1, text=True).stdout


def installed(venv: Path, *what: str | Path) -> Path:
    """Return the Python of a new environment in which something is installed."""
    run(sys.executable, "-m", "venv", "--clear", venv)
    python = venv / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(python, "-m", "pip", "install", "--quiet", *what)
    return python


def built(source: Path, folder: Path, **variables: str) -> Path:
    """Return the wheel that pip builds in this environment."""
    run(sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", folder, source, **variables)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check(python: Path, core: str, digests: set[str]) -> None:
    """Check which core runs, and keep the digest of what a seed gives."""
    version = run(python, "-m", "arrayinit", "--version")
    assert core in version, version
    digests.add(run(python, "-c", _DIGEST))


def broken(folder: Path) -> str:
    """Return a compiler that does not know one of the flags."""
    compiler = folder / "old-cc"
    compiler.write_text('#!/bin/sh\ncase "$*" in *mavx512ifma*|*x86-64-v3*) exit 1;; esac\nexec cc "$@"\n')
    compiler.chmod(0o755)
    return str(compiler)


def unpacked(source: Path, folder: Path) -> Path:
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    return folder / source.name.removesuffix(".tar.gz")


def main(dist: str, editable: str) -> None:
    """Build and install in each way, and compare."""
    folder, digests = Path(dist).resolve(), set[str]()
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    # Programs are looked for in the environment alone, and no compiler is there.
    hidden = {"PATH": str(Path(sys.executable).parent)}

    has_old = os.name != "nt" and os.uname().machine == "x86_64"
    # Each takes one core for most of its time.
    with ThreadPoolExecutor() as pool:
        user = pool.submit(installed, folder / "user", wheel)
        pure = pool.submit(built, source, folder / "pure", **hidden)
        old = pool.submit(built, source, folder / "old", CC=broken(folder)) if has_old else pure
    for without_core in (pure.result(), old.result()):
        assert without_core.name.endswith("-py3-none-any.whl"), without_core

    python = user.result()
    has_core = "abi3" in wheel.name
    assert has_core or sys.platform == "win32", f"{wheel.name} lacks the compiled core"
    check(python, _CORE if has_core else _PURE, digests)
    run(python, "-m", "arrayinit", "--backend", "numpy")

    run(python, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", pure.result())
    check(python, _PURE, digests)

    run(python, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", Path(editable).resolve())
    check(python, _CORE if has_core else _PURE, digests)

    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "arrayinit")
    tree = unpacked(source, folder / "tree")
    options = ("--no-build-isolation", "--no-deps", "--prefix", folder / "user", "--editable", tree)
    run(sys.executable, "-m", "pip", "install", "--quiet", *options, **hidden)
    check(python, _PURE, digests)
    with (tree / "src" / "arrayinit" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write("\n__version__ = 'edited'\n")
    check(python, "arrayinit edited, ", digests)
    assert len(digests) == 1, f"the builds differ: {digests}"


if __name__ == "__main__":
    main(*sys.argv[1:])
