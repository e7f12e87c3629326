"""The adapter of docs/backends.md, installed as a package, passes the conformance kit, and no other file knows it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from peers import peer

PAGE = (Path(__file__).parents[2] / "docs" / "backends.md").read_text()

pytestmark = pytest.mark.peers


def block(name: str) -> str:
    """Return the code block that the page announces by the name of its file."""
    return re.search(rf"`{re.escape(name)}`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL).group(1)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter of the page, installed in a folder of its own."""
    peer("mlx.core")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in ("arrayinit_mlx.py", "pyproject.toml", "test_arrayinit_mlx.py"):
        (source / name).write_text(block(name))
    run(source, "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(source))
    (target / "test_arrayinit_mlx.py").write_text(block("test_arrayinit_mlx.py"))
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
    assert block("arrayinit_mlx.py").count("\n") <= 60


def test_the_adapter_passes_the_kit(package: Path) -> None:
    assert re.search(r"\d{3} passed", run(package, "pytest", "-q", "test_arrayinit_mlx.py"))


def test_the_command_line_finds_the_adapter(package: Path) -> None:
    assert "mlx" in run(package, "arrayinit", "--backend", "mlx", "--backend", "numpy", "--model", "resnet50")


def test_values_fill_the_layers_of_mlx_through_the_adapter(package: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "frameworks" / "mlx.md"
    (package / "mlx_page.py").write_text(
        "import doctest, mlx.core as mx\n"
        "from arrayinit.backends.registry import backend_of\n"
        "assert type(backend_of(mx.zeros(3))).__module__ == 'arrayinit_mlx'\n"
        f"print(doctest.testfile({str(page)!r}, module_relative=False))\n"
    )
    assert "failed=0" in run(package, "mlx_page")
