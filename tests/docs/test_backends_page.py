"""The adapter of docs/backends.md, installed as a package, passes the conformance kit, and no other file knows it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

PAGE = (ROOT / "docs" / "backends.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """Return the code block that the page announces by the name of its file."""
    return re.search(rf"`{re.escape(name)}`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL).group(1)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter of the page, installed in a folder of its own, beside its library."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in ("arrayinit_plainarray.py", "pyproject.toml"):
        (source / name).write_text(block(name), encoding="utf-8")
    run(source, "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(source))
    for name in ("plainarray.py", "test_arrayinit_plainarray.py"):
        (target / name).write_text(block(name), encoding="utf-8")
    return target


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_adapter_is_short() -> None:
    assert block("arrayinit_plainarray.py").count("\n") <= 40


def test_the_adapter_passes_the_kit(package: Path) -> None:
    assert re.search(r"\b\d{3} passed", run(package, "pytest", "-q", "test_arrayinit_plainarray.py"))


def test_the_command_line_finds_the_adapter(package: Path) -> None:
    printed = run(package, "arrayinit", "--backend", "plainarray", "--backend", "numpy", "--model", "resnet50")
    assert re.search(r"^plainarray +1\.0 +cpu .* ok ", printed, re.MULTILINE)
    assert "the same on all 2" in printed
