"""The code of docs/recipes.md, section by section."""

from __future__ import annotations

import doctest
import functools
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
SECTIONS = {text.partition("\n")[0]: text for text in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]}


@functools.cache
def run(title: str) -> dict[str, Any]:
    """Run the code of a section, and return what it defines."""
    test = doctest.DocTestParser().get_doctest(SECTIONS[title], {}, title, str(PAGE), 0)
    report: list[str] = []
    results = doctest.DocTestRunner(verbose=False).run(test, out=report.append, clear_globs=False)
    assert results.attempted
    assert not results.failed, "".join(report)
    return test.globs
