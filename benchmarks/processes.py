"""Measurements in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def fresh(*arguments: str, given: Any = None) -> Any:
    """Run Python at the root of the repository, pass it JSON, and return the JSON that it prints."""
    # Most users read the bytecode of an earlier import.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=env,
        input=json.dumps(given),
    )
    return json.loads(done.stdout)
