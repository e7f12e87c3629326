"""The workflow of GitHub runs each session of plain nox, and those that plain nox leaves out by name."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator

import pytest
from never_run import IN_WORKFLOW
from places import ROOT

NOXFILE = (ROOT / "noxfile.py").read_text(encoding="utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
LEFT_OUT = {*IN_WORKFLOW, "floors", "coverage"}


def sessions(noxfile: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the name of each session, and the options that it is made with."""
    for function in ast.parse(noxfile).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        for decorator in function.decorator_list:
            if ast.unparse(decorator).partition("(")[0] in ("nox.session", "uses"):
                keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
                yield function.name, {str(word.arg): ast.literal_eval(word.value) for word in keywords}


def run_by(workflow: str) -> set[str]:
    """Return the sessions of the matrix."""
    (many,) = re.findall(r"^ +session: \[(.*)\]$", workflow, re.MULTILINE)
    return {*many.split(", "), *re.findall(r"^ +- \{ session: (\w+)\b", workflow, re.MULTILINE)}


def floors(noxfile: str, workflow: str) -> set[str]:
    """Return the extras whose oldest releases are tested: by plain nox, or by the workflow."""
    (quick,) = re.findall(r"^QUICK = (.+)$", noxfile, re.MULTILINE)
    in_workflow = re.findall(r"^ +- \{ session: floors\((\w+)\),", workflow, re.MULTILINE)
    assert not set(in_workflow) & set(ast.literal_eval(quick))
    return {*ast.literal_eval(quick), *in_workflow}


def wanted(noxfile: str) -> set[str]:
    """Return the sessions that plain nox runs; `summary` only adds up what the others of one run give."""
    return {name for name, options in sessions(noxfile) if options.get("default", True)} - {"summary"}


def left_out(noxfile: str) -> set[str]:
    """Return the sessions that plain nox leaves out."""
    return {name for name, options in sessions(noxfile) if not options.get("default", True)}


@pytest.mark.usefixtures("numpy_library")
def test_the_workflow_runs_each_session_and_no_other() -> None:
    assert "numpy" in wanted(NOXFILE)
    assert run_by(WORKFLOW) == wanted(NOXFILE) | LEFT_OUT
    assert left_out(NOXFILE) >= LEFT_OUT


@pytest.mark.usefixtures("numpy_library")
def test_the_oldest_release_of_each_extra_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert floors(NOXFILE, WORKFLOW) == extras.keys()
    # Without a floor, or with two, the session would test another release.
    for requirements in extras.values():
        floor, *beside = requirements
        assert re.fullmatch(r"[\w\[\]-]+>=[\d.]+", floor)
        assert all(re.fullmatch(r"[\w-]+", name) for name in beside)


def test_the_readme_names_what_plain_nox_leaves_out() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (names,) = re.findall(r"^`nox -s ([a-z ]+)` runs the sessions that plain `nox` leaves out\b", text, re.MULTILINE)
    assert set(names.split()) == LEFT_OUT


@pytest.mark.usefixtures("numpy_library")
def test_a_session_that_is_missing_or_unknown_is_found() -> None:
    added = NOXFILE + '\n\n@nox.session(python="3.11")\ndef more(session): ...\n'
    assert wanted(added) - run_by(WORKFLOW) == {"more"}
    renamed = run_by(WORKFLOW.replace("session: triton", "session: doctests"))
    assert renamed - wanted(NOXFILE) - LEFT_OUT == {"doctests"}
