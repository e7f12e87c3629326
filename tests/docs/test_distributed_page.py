"""docs/distributed.md: its scripts run as they stand, each as a user would run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from dask_calls import need_distributed
from places import ROOT

PAGE = ROOT / "docs" / "distributed.md"
SECTIONS = {text.partition("\n")[0]: text for text in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]}
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


def run(title: str, directory: Path, *launcher: str) -> str:
    """Run all the code of a section, in its order, as one script; return what it prints."""
    script = directory / "shards.py"
    script.write_text("\n".join(re.findall(r"```python\n(.*?)```", SECTIONS[title], re.DOTALL)))
    env = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    done = subprocess.run(
        [sys.executable, *launcher, str(script)], env=env, capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("library", "title", "launcher"),
    [("jax", "JAX", ()), ("torch", "torch", TORCHRUN), ("dask", "Dask", ())],
    indirect=["library"],
    ids=["JAX", "torch", "Dask"],
)
@pytest.mark.usefixtures("library")
def test_the_script_of_each_engine_runs(title, launcher, tmp_path):
    if title == "Dask":
        need_distributed()
    run(title, tmp_path, *launcher)


@pytest.mark.usefixtures("numpy_library")
def test_the_model_of_the_cost_prints_the_table_of_the_page(tmp_path):
    printed = run("What it costs", tmp_path)
    assert printed.splitlines()
    assert printed in SECTIONS["What it costs"]
