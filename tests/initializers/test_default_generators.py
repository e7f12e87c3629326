"""``rng=None`` draws other numbers in each call, in each process and in each fork."""

from __future__ import annotations

import json
import os

import pytest
from cases import DRAWN
from libraries import Library
from processes import run

SCRIPT = """
import json, os, sys
from cases import DRAWN
from libraries import LIBRARIES

library = LIBRARIES[sys.argv[1]]()

def draw(case):
    return library.to_numpy(case.fill(library.empty(case.shape, "float32"), None)).tobytes().hex()

def draws():
    return {name: [draw(case), draw(case)] for name, case in DRAWN.items()}

if sys.argv[2] == "forks":
    # So that what is made at the first call is there before the forks.
    draws()
    for _ in range(2):
        if not os.fork():
            print(json.dumps(draws()), flush=True)
            os._exit(0)
        os.wait()
else:
    print(json.dumps(draws()))
"""


def drawn(*lines: str) -> dict[str, list[list[str]]]:
    """Return the draws of each function, as each process printed them."""
    processes = [json.loads(line) for line in lines]
    return {name: [process[name] for process in processes] for name in DRAWN}


def test_two_processes_draw_different_numbers(library: Library) -> None:
    for name, (first, second) in drawn(*(run(SCRIPT, library.name, "") for _ in range(2))).items():
        assert len({*first}) == len({*second}) == 2, f"{name} repeats itself"
        assert not {*first} & {*second}, f"{name} draws the same in two processes"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX systems fork")
@pytest.mark.usefixtures("numpy_library")
def test_forks_of_one_process_draw_different_numbers() -> None:
    for name, (first, second) in drawn(*run(SCRIPT, "numpy", "forks").splitlines()).items():
        assert not {*first} & {*second}, f"{name} draws the same in two forks"
