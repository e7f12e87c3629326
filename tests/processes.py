"""Processes of their own, with the helpers of this folder."""

import os
import subprocess
import sys

from places import TESTS


def run(script, *arguments, timeout=60, **env):
    """Run a script in an interpreter of its own, with two threads and this folder; return what it prints."""
    path = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "ARRAYINIT_NUM_THREADS": "2", "PYTHONPATH": os.pathsep.join(path), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
