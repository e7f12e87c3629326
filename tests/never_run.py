"""Tell which tests no session has run: ``python tests/never_run.py`` with the JUnit reports of all sessions.

Beside each report lies a .txt with the tests that its session collected, which conftest.py writes. A file of tests that
is in none of them lies in a folder that no session reads.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

NO_SUCH_CASE = "no such case: "
# Before the name of a test that plain nox does not run, in what was collected.
ELSEWHERE = "elsewhere: "
# The libraries that plain nox does not install: they take 0.7 and 1.3 GB.
NOT_INSTALLED = ("paddle", "tensorflow")
# Plain nox leaves out the sessions of these, which the workflow runs. Of the last two it runs the conformance kit.
IN_WORKFLOW = (*NOT_INSTALLED, "cubed", "tinygrad")


def never_run(reports: Iterable[Path], tests: Path) -> dict[str, str]:
    """Return the tests that no session has run, with the last reason for which each was skipped.

    ``tests`` is their folder. Of a file that no session has collected its path stands for its tests.
    """
    collected: dict[str, str] = {}
    read: set[str] = set()
    ran: set[str] = set()
    reasons: dict[str, str] = {}
    for report in reports:
        nodes = report.with_suffix(".txt").read_text("utf-8").splitlines()
        read |= {node.removeprefix(ELSEWHERE).partition("::")[0] for node in nodes}
        collected |= {address(node): node for node in nodes if not node.startswith(ELSEWHERE)}
        for case in ET.parse(report).iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}"
            skipped = case.find("skipped")
            reason = "" if skipped is None else skipped.get("message", "")
            if skipped is None or skipped.get("type") == "pytest.xfail" or reason.startswith(NO_SUCH_CASE):
                ran.add(name)
            else:
                reasons[name] = reason
    files = {file.relative_to(tests.parent).as_posix() for file in tests.rglob("test_*.py")}
    files -= {file for file in files if Path(file).parent.name in NOT_INSTALLED}
    return dict.fromkeys(files - read, "never collected") | {
        node: reasons.get(name, "never selected") for name, node in collected.items() if name not in ran
    }


def address(node: str) -> str:
    """Return the name of a test in a JUnit report, by pytest's own rule."""
    path, bracket, parameters = node.partition("[")
    file, *names = path.split("::")
    return ".".join([re.sub(r"\.py$", "", file.replace("/", ".")), *names]) + bracket + parameters


def main(reports: list[str], tests: Path = Path(__file__).parent) -> None:
    found = never_run(map(Path, reports), tests)
    if found:
        lines = (f"{node}: {reason}" for node, reason in sorted(found.items()))
        sys.exit(
            f"no session runs {len(found)} tests:\n" + "\n".join(lines) + "\nA test that needs a GPU is marked so, "
            "@pytest.mark.gpu(reason=...); a case that does not exist is skipped by no_such_case."
        )


if __name__ == "__main__":
    main(sys.argv[1:])
