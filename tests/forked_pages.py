"""The pages of the documentation, in forks of a process that has imported torch and JAX: that takes longer than a page.

Nothing has been computed in the process that is forked.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path

_IMPORTED = ["jax", "torch", "flax.nnx", "flax.linen"]


def run_page(page: Path, folder: Path, timeout: float = 300) -> str:
    """Run the examples of a page in a folder, and return what fails, and how many ran and failed."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(_IMPORTED)
    receiver, sender = server.Pipe(duplex=False)
    process = server.Process(target=_run, args=(page, folder, sender))
    process.start()
    # So that the end of the process ends the wait.
    sender.close()
    try:
        assert receiver.poll(timeout), f"{page} takes longer than {timeout} s"
        return str(receiver.recv())
    finally:
        process.kill()
        process.join()


def _run(page: Path, folder: Path, sender: Connection) -> None:
    os.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result = doctest.testfile(str(page), module_relative=False)
    sender.send(f"{printed.getvalue()}{result}")
