"""The tests that need a GPU: streams, devices, graphs, boxes in any memory, and each law."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

from first_day.report import FAILED, MISSING, RIGHT, WRONG, Row
from first_day.steps import PATIENCE, ROOT, Size

# One kernel of Triton for each law: it is the second choice, and takes seconds to compile.
CHOSEN = (
    "tests/backends/torch/test_torch_cuda.py",
    "tests/backends/cupy/test_cupy_gpu.py",
    "tests/backends/test_gpu_placement.py",
    "-k",
    "not _triton_launch or float32",
)


def measure(size: Size) -> Iterator[Row]:
    arguments = size.tests or (*CHOSEN, *(("--numprocesses=8",) if find_spec("xdist") else ()))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", "-m", "not peers", f"--junitxml={report}", *arguments]
        env = {**os.environ, "ARRAYINIT_TEST_BACKENDS": ",".join(size.libraries)}
        process = subprocess.Popen(command, cwd=ROOT, env=env)
        late = False
        try:
            process.wait(size.seconds - PATIENCE if size.seconds > 2 * PATIENCE else size.seconds)
        except subprocess.TimeoutExpired:
            # pytest writes the report of the tests that have run.
            late = True
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        yield from _told(report, process.returncode, late=late)


def _told(report: Path, status: int, *, late: bool) -> Iterator[Row]:
    cases = list(ET.parse(report).iter("testcase")) if report.exists() else []
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    for case in bad[:10]:
        found = case.find("failure") if case.find("failure") is not None else case.find("error")
        yield Row("suite", str(case.get("name")), str(found.get("message"))[:200], "to pass", WRONG)
    passed = len(cases) - len(bad) - skipped
    counts = f"{passed} passed, {len(bad)} failed, {skipped} skipped"
    if bad or (passed and not status):
        yield Row("suite", "tests", counts, "to pass", WRONG if bad else RIGHT)
    elif not late:
        yield Row("suite", "tests", f"pytest ended with status {status}; {counts}", "to pass", FAILED)
    if late:
        yield Row("suite", "other tests", f"the time was over; {counts} before", "to pass", MISSING)
