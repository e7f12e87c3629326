"""Tell which tests no session has run: ``python tests/never_run.py`` with the JUnit reports of all sessions.

Beside each report lies a .txt with the tests that its session collected, which conftest.py writes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

NO_SUCH_CASE = "no such case: "


def never_run(reports: Iterable[Path]) -> dict[str, str]:
    """Return the tests that were collected but never run, each with the last reason for which it was skipped."""
    collected: dict[str, str] = {}
    ran: set[str] = set()
    reasons: dict[str, str] = {}
    for report in reports:
        collected |= {address(node): node for node in report.with_suffix(".txt").read_text("utf-8").splitlines()}
        for case in ET.parse(report).iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}"
            skipped = case.find("skipped")
            reason = "" if skipped is None else skipped.get("message", "")
            if skipped is None or skipped.get("type") == "pytest.xfail" or reason.startswith(NO_SUCH_CASE):
                ran.add(name)
            else:
                reasons[name] = reason
    return {node: reasons.get(name, "never selected") for name, node in collected.items() if name not in ran}


def address(node: str) -> str:
    """Return the name of a test in a JUnit report, by pytest's own rule."""
    path, bracket, parameters = node.partition("[")
    file, *names = path.split("::")
    return ".".join([re.sub(r"\.py$", "", file.replace("/", ".")), *names]) + bracket + parameters


def main(reports: list[str]) -> None:
    found = never_run(map(Path, reports))
    if found:
        lines = (f"{node}: {reason}" for node, reason in sorted(found.items()))
        sys.exit(
            f"no session runs {len(found)} tests:\n" + "\n".join(lines) + "\nA test that needs a GPU is marked so, "
            "@pytest.mark.gpu(reason=...); a case that does not exist is skipped by no_such_case."
        )


if __name__ == "__main__":
    main(sys.argv[1:])
