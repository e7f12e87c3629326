"""Progress: what the callback is told, how a fill is stopped and what its error says, and the bar on a terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from places import TESTS

import arrayinit as ai

SHAPES = {"a.weight": (4, 3), "a.bias": (4,), "b.weight": (2, 4), "b.bias": (2,)}
RULES: list[Any] = [("a.bias", ai.keep()), ("bias", ai.ones()), ("weight", ai.normal())]


def model() -> dict[str, Any]:
    made: dict[str, Any] = {name: np.full(shape, 7.0, np.float32) for name, shape in SHAPES.items()}
    return {**made, "b.tied": made["b.weight"]}


def test_the_callback_is_told_the_bytes_before_each_parameter_and_the_end() -> None:
    told: list[Any] = []
    ai.initialize(model(), RULES, rng=0, progress=lambda *given: told.append(given))
    # What is kept, and what is tied, is not filled.
    assert told == [(0, 88, "a.weight"), (48, 88, "b.weight"), (80, 88, "b.bias"), (88, 88, "")]


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit])
def test_an_exception_stops_the_fill_and_says_what_is_not_filled(error: type[BaseException]) -> None:
    arrays = model()

    def stop(_done: int, _total: int, name: str) -> None:
        if name == "b.weight":
            raise error

    with pytest.raises(error) as stopped:
        ai.initialize(arrays, RULES, rng=0, progress=stop)
    assert stopped.value.__notes__ == ["2 of 3 parameters are not filled: b.weight and later ones"]
    assert not (arrays["a.weight"] == 7.0).any()
    assert (arrays["b.weight"] == 7.0).all()
    assert (arrays["b.bias"] == 7.0).all()


def test_an_error_of_a_fill_has_the_note_too() -> None:
    arrays = {**model(), "c.weight": np.empty((0, 3)), "d.bias": np.full(2, 7.0)}
    rules = [*RULES[:2], ("c.weight", ai.kaiming_normal(layout="OI")), RULES[2]]
    # Warnings are errors here.
    with pytest.raises(UserWarning, match="zero-element") as stopped:
        ai.initialize(arrays, rules, rng=0)
    assert stopped.value.__notes__ == ["2 of 5 parameters are not filled: c.weight and later ones"]
    assert (arrays["b.bias"] == 1.0).all()
    assert (arrays["d.bias"] == 7.0).all()


def test_an_array_that_cannot_be_written_is_refused_before_others_are() -> None:
    arrays = model()
    arrays["b.bias"].flags.writeable = False
    with pytest.raises(ValueError, match=r"^'b.bias': x of shape \(2,\) is a read-only array"):
        ai.initialize(arrays, RULES, rng=0)
    assert all((x == 7.0).all() for x in arrays.values())
    # It may be kept.
    ai.initialize(arrays, [("bias", ai.keep()), RULES[2]], rng=0)


def test_nothing_is_called_for_a_model_that_is_refused() -> None:
    told: list[Any] = []
    with pytest.raises(ValueError, match="match no rule"):
        ai.initialize(model(), RULES[:2], rng=0, progress=lambda *given: told.append(given))
    assert told == []


BAR = """
import numpy as np
import arrayinit as ai
arrays = {"first.weight": np.empty((1024, 256), np.float32), "second.weight": np.empty((1024, 768), np.float32)}
ai.initialize(arrays, [("weight", ai.zeros())], progress=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")
def test_a_terminal_shows_a_bar() -> None:
    lines = re.split(r"[\r\n]+", on_a_terminal(80))
    assert [line.rstrip() for line in lines if line] == [
        f"[{'.' * 24}]   0%  0 of 4 MiB  first.weight",
        f"[{'#' * 6}{'.' * 18}]  25%  1 of 4 MiB  second.weight",
        f"[{'#' * 24}] 100%  4 of 4 MiB",
    ]
    # Each line covers all of the one before it, and none is longer than the terminal.
    assert {len(line) for line in lines if line} == {79}
    assert {len(line) for line in re.split(r"[\r\n]+", on_a_terminal(40)) if line} == {39}


def test_no_bar_is_written_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    ai.initialize(model(), RULES, rng=0, progress=True)
    assert capfd.readouterr() == ("", "")


def on_a_terminal(columns: int) -> str:
    """Return what a process writes to its standard error, which is a pseudo terminal."""
    import pty

    ours, its = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns), "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    subprocess.run([sys.executable, "-c", BAR], stderr=its, check=True, timeout=60, env=env)
    written = os.read(ours, 1 << 16)
    os.close(its)
    os.close(ours)
    return written.decode()
