"""What one worker of a test run makes, and all of them read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Make = Callable[[Path], object]


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the workers of a test run share."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def made_once(root: Path, name: str, make: Make) -> Path:
    """Return a folder that ``make`` fills in the first worker that asks for it; the others wait until it is full."""
    folder, done = root / name, root / f"{name}.done"
    try:
        folder.mkdir()
    except FileExistsError:
        while not done.exists():
            time.sleep(0.1)
    else:
        try:
            make(folder)
            done.write_text("made")
        finally:
            if not done.exists():
                done.write_text("failed")
    assert done.read_text() == "made", f"{name} was not made: see the first test that asked for it"
    return folder
