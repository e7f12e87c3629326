"""The site has each public name, and its own checks find what they are to find."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT, TESTS
from site_links import faults

pytestmark = pytest.mark.usefixtures("numpy_library")

MODULES = ("", ".recipes", ".checkpoints", ".testing", ".backends", ".models")
# Types that say nothing but Any, and what only derives from another class.
WITHOUT_EXAMPLE = {"arrayinit.backends.Array", "arrayinit.backends.Generator"}


def listed() -> list[str]:
    """Return the names in the API reference."""
    found = []
    for page in (ROOT / "docs" / "api").glob("*.md"):
        module = ""
        for line in page.read_text(encoding="utf-8").splitlines():
            if match := re.fullmatch(r"\.\. (currentmodule|automodule):: (\S+)", line):
                module = match[2]
                found += [module] if match[1] == "automodule" else []
            elif match := re.fullmatch(r"(?:    |\.\. autodata:: )([\w.]+)", line):
                found.append(f"{module}.{match[1]}")
    return found


def public() -> dict[str, object]:
    """Return the public names of each public module, with what they name."""
    modules = [importlib.import_module(f"arrayinit{module}") for module in MODULES]
    return {f"{module.__name__}.{name}": getattr(module, name) for module in modules for name in module.__all__}


def test_the_reference_has_each_public_name_once() -> None:
    names = listed()
    assert len(names) == len(set(names))
    assert set(names) >= set(public())
    # Others must exist, and come from modules whose names have no underscore.
    for name in set(names) - set(public()):
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name
        assert "._" not in name


@pytest.mark.parametrize("name", sorted(set(public()) - WITHOUT_EXAMPLE))
def test_each_public_name_has_an_example(name: str) -> None:
    # The doctests of the session "docs" run it.
    assert inspect.ismodule(public()[name]) or ">>>" in (inspect.getdoc(public()[name]) or "")


def test_each_page_is_in_the_navigation() -> None:
    pages = {page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    text = "".join((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") for page in ("index", "start", "guides"))
    trees = "\n".join(re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL)).splitlines()
    assert {page for page in pages if not page.startswith("api/")} - {"index"} <= set(trees)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site without a fault."""
    (tmp_path / "other.html").write_text('<h1 id="there">Other</h1>')
    (tmp_path / "style.css").write_text("body { background: url('data:,') } /* url(no.png) */")
    links = '<a href="other.html#there">x</a><a href="#here">x</a><a href="https://example.org">x</a>'
    (tmp_path / "index.html").write_text(f'<link rel="stylesheet" href="style.css?v=1"><p id="here">{links}</p>')
    return tmp_path


def test_a_site_without_a_fault_has_none(site: Path) -> None:
    assert not list(faults(site))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<a href="no.html">x</a>', "no.html does not exist"),
        ('<a href="other.html#no">x</a>', "other.html#no has no such anchor"),
        ('<a href="#no">x</a>', "#no has no such anchor"),
        ('<img src="no.png">', "no.png does not exist"),
        ('<img src="style.css" srcset="style.css 1x, no.png 2x">', "no.png does not exist"),
        ('<script src="https://example.org/a.js"></script>', "loads https://example.org/a.js from another host"),
        ('<link rel="preconnect" href="//example.org">', "loads //example.org from another host"),
        ('<style>@import "https://example.org/a.css";</style>', "loads https://example.org/a.css from another host"),
        ('<p style="background: url(https://example.org/a)">', "loads https://example.org/a from another host"),
    ],
)
def test_a_fault_of_a_page_is_found(site: Path, text: str, fault: str) -> None:
    (site / "index.html").write_text(text)
    (found,) = faults(site)
    assert found.endswith(fault)


def test_a_font_of_another_host_is_found(site: Path) -> None:
    (site / "style.css").write_text("@font-face { src: url(https://example.org/a.woff2) }")
    assert list(faults(site)) == ["style.css loads https://example.org/a.woff2 from another host"]


def test_the_program_fails_for_a_fault(site: Path) -> None:
    (site / "index.html").write_text('<a href="no.html">x</a>')
    run = subprocess.run(
        [sys.executable, str(TESTS / "site_links.py"), str(site)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr == "index.html: no.html does not exist\n1 faults\n"
