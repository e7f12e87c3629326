"""Processes of their own, with the helpers of this folder."""

import os
import subprocess
import sys

from places import TESTS


def run(script, *arguments, timeout=60):
    """Run a script in an interpreter of its own, with two threads and this folder; return what it prints."""
    path = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "ARRAYINIT_NUM_THREADS": "2", "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=timeout,
    ).stdout
