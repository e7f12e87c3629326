"""What a release has in several files: its version, its date, and a page of changes."""

from __future__ import annotations

import re

import pytest
from places import ROOT

import arrayinit

pytestmark = pytest.mark.usefixtures("numpy_library")
# The first heading is what the next release will have.
HEADING = re.compile(r"^## \[(.+?)\](?: - (\S+))?$", re.MULTILINE)


def text(*path: str) -> str:
    return ROOT.joinpath(*path).read_text(encoding="utf-8")


def test_each_file_names_the_newest_release() -> None:
    (following, no_date), (version, date), *_ = HEADING.findall(text("CHANGELOG.md"))
    assert (following, no_date) == ("Unreleased", "")
    assert version == arrayinit.__version__
    assert f"\nversion: {version}\ndate-released: {date}\n" in text("CITATION.cff")
    assert f'\n  version: "{version}"\n' in text("packaging", "conda", "recipe.yaml")


def test_the_releases_are_in_order_and_have_dates() -> None:
    _, *releases = HEADING.findall(text("CHANGELOG.md"))
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for _, date in releases)
    newest_first = sorted(releases, key=lambda release: [int(part) for part in release[0].split(".")], reverse=True)
    assert releases == newest_first


def test_no_entry_of_a_release_stands_there_twice() -> None:
    entries = re.findall(r"^- (.{40})", text("CHANGELOG.md"), re.MULTILINE)
    assert len(set(entries)) == len(entries) > 20
