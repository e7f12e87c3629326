"""The tables and the bar of the command line, in terminals of any width."""

import math
import sys
from itertools import pairwise

import pytest

from arrayinit.cli.measure import measure
from arrayinit.cli.models import resnet50
from arrayinit.cli.report import Report
from arrayinit.cli.targets import targets
from arrayinit.cli.terminal import Progress, width_of

WIDTHS = [20, 30, 40, 50, 60, 79, 80, 90, 120, 200]


@pytest.fixture
def places():
    (target,) = targets(["numpy"])
    return [target, target._replace(backend="array_api_strict", version="2.13.0+cpu", device="cuda:0")]


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_tables_fit_in_any_terminal(width, seed, places):
    report = Report(places, seed, width)
    parameters = list(resnet50())
    rows = [
        measure("resnet50", parameters[-1:], place, lambda: None, seed)._replace(
            seconds=1234.56, compile_seconds=99.99, ns_per_parameter=1234.56, worst_std_error=math.inf, ok=False
        )
        for place in places
    ]
    lines = [
        *report.head("resnet50", parameters).splitlines(),
        *map(report.row, rows),
        *report.foot(rows).splitlines(),
        *report.explanation().splitlines(),
    ]
    assert max(map(len, lines)) <= width
    assert seed is None or str(rows[0].sha256) in "".join(lines)
    # What is left out is left out in each row, and what says whether all is well comes last.
    head, first = report.row(rows[0]), report.row(rows[1])
    assert head.startswith("numpy")
    assert "array_api_strict"[:width] in first
    if width >= 30:
        assert "1234.56" in first
        assert "NO" in first
    if width >= 80:
        assert {"version", "device", "compile", "std error"} <= report.widths.keys()
    assert ("sha256" in report.widths) == (seed is not None and width >= 60)


def test_a_table_that_is_no_terminals_is_whole(places):
    report = Report(places, 0, None)
    assert list(report.widths)[-2:] == ["ok", "sha256"]
    assert report.widths["sha256"] == 64
    assert len(report.widths) == 9


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bar_fits_in_any_terminal(width, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    bar = Progress(1854)
    for label in ("resnet50 on array_api_strict cuda:0", "gpt2 on numpy cpu"):
        bar.label = label
        bar.advance()
    bar.done = 1853
    bar.advance()
    bar.clear()
    drawn = capsys.readouterr().err.split("\r")[1:]
    # One column is left free, since the next character after the last column is on a new line.
    assert max(map(len, drawn)) < width
    # Each draws over all of the one before, and at last the line is empty.
    assert all(len(after) >= len(before.rstrip()) for before, after in pairwise(drawn[:-1]))
    assert drawn[-2].strip() == drawn[-1] == ""
    if width >= 60:
        assert drawn[2].startswith("[####")
        assert "1854/1854 gpt2 on numpy cpu" in drawn[2]


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_is_for_terminals(terminal, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "80")
    bar = Progress(4)
    bar.label = "gpt2 on numpy cpu"
    bar.advance()
    assert capsys.readouterr().err.startswith("\r[#######.......................] 1/4 gpt2 on") == terminal
    bar.clear()
    assert bool(capsys.readouterr().err) == terminal


def test_no_terminal_has_no_width(tmp_path):
    with (tmp_path / "file").open("w") as stream:
        assert width_of(stream) is None
