"""What a release has in several files: its version, its date, and a page of changes."""

from __future__ import annotations

import re
import tomllib

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


def test_the_hooks_have_the_releases_of_the_checkers() -> None:
    pinned = re.findall(r'^\s+additional_dependencies: \["(.+)"\]$', text(".pre-commit-config.yaml"), re.MULTILINE)
    assert set(pinned) == set(tomllib.loads(text("pyproject.toml"))["dependency-groups"]["lint"])


def test_the_recipe_of_conda_has_the_requirements_of_the_project() -> None:
    settings, recipe = tomllib.loads(text("pyproject.toml")), text("packaging", "conda", "recipe.yaml")
    needed = {name.replace(">=", " >=") for name in settings["project"]["dependencies"]}
    built_with = {name.replace(">=", " >=") for name in settings["build-system"]["requires"]}
    (host,) = re.findall(r"^  host:\n((?:    - .+\n)+)", recipe, re.MULTILINE)
    (run,) = re.findall(r"^  run:\n((?:    - .+\n)+)", recipe, re.MULTILINE)
    assert set(re.findall("- (.+)", run)) == needed | {"python"}
    assert set(re.findall("- (.+)", host)) == built_with | {"python", "pip"}
    assert f'python_min: "{settings["project"]["requires-python"].removeprefix(">=")}"' in recipe


def test_each_action_is_pinned_by_its_commit() -> None:
    files = [*(ROOT / ".github" / "workflows").glob("*.yml")]
    used = [name for file in files for name in re.findall(r"uses: ([^\s.]\S+)(.*)", file.read_text(encoding="utf-8"))]
    assert len(used) > 10
    assert [name for name in used if not re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", "".join(name))] == []
