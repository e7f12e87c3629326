"""JAX arrays whose devices belong to several processes: each makes its own shards, and asks no other."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from places import TESTS

pytestmark = pytest.mark.usefixtures("jax_library")

SCRIPT = TESTS / "jax_processes.py"


def run(task: str, *devices: int) -> list[str]:
    """Run the task in as many processes as numbers are given, each with so many devices; return what they print."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    running = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(rank), str(len(devices)), address, task],
            env=os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={count}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, count in enumerate(devices)
    ]
    try:
        ended = [child.communicate(timeout=120) for child in running]
    finally:
        for child in running:
            child.kill()
    assert [child.returncode for child in running] == [0] * len(devices), "".join(error for _, error in ended)
    return [output for output, _ in ended]


def test_each_process_holds_its_shards_of_the_array_of_one():
    run("fill_all", 4, 4)


def test_each_process_audits_its_shards_or_all_together_the_whole():
    run("audit_all", 2, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_a_process_that_makes_its_64th_of_16_gib_alone_takes_less_than_600_mib():
    peak, _ = run("fill_alone", 1, 63)
    assert 256 < float(peak) < 600
