"""All links to the repository come from one address; while it is empty, there are none."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from types import ModuleType
from typing import Any

import pytest
from places import ROOT

pytestmark = pytest.mark.usefixtures("numpy_library")
REPOSITORY = "https://github.com/Someone/initializers"


@pytest.fixture(scope="module")
def address() -> ModuleType:
    spec = importlib.util.spec_from_file_location("address", ROOT / "packaging" / "address.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def known(address: ModuleType, repository: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what the build adds to the project if this is the address."""
    monkeypatch.setattr(address, "address", lambda: repository)
    return address.dynamic_metadata({}, {})


def test_the_address_stands_in_one_place(address: ModuleType) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert address.address() == settings["tool"]["arrayinit"]["repository"]
    assert {"readme", "urls"} <= set(settings["project"]["dynamic"])
    assert "urls" not in settings["project"]


def test_an_address_appears_in_the_urls_the_description_and_the_citation(
    address: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = known(address, REPOSITORY, monkeypatch)
    assert made["urls"] == {
        "Documentation": "https://someone.github.io/initializers/",
        "Source": REPOSITORY,
        "Issues": f"{REPOSITORY}/issues",
        "Changelog": f"{REPOSITORY}/blob/main/CHANGELOG.md",
    }
    text = made["readme"]["text"]
    links = re.findall(r"\]\((?!#)([^)\s]+)\)", text)
    assert links
    for link in links:
        assert "://" in link, f"{link} leads nowhere from another page"
    for link in (link for link in links if link.startswith(REPOSITORY)):
        _, _, path = link.partition("/main/")
        assert (ROOT / path.partition("#")[0]).exists(), link
    cited = address.citation((ROOT / "CITATION.cff").read_text(), REPOSITORY)
    assert f"\nrepository-code: {REPOSITORY}\nurl: https://someone.github.io/initializers/\n" in cited
    assert address.citation(cited, "") == address.citation((ROOT / "CITATION.cff").read_text(), "")


def test_without_an_address_nothing_points_to_one(address: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    made = known(address, "", monkeypatch)
    assert "urls" not in made
    text = made["readme"]["text"]
    for link in re.findall(r"\]\((?!#)([^)\s]+)\)", text):
        assert "://" in link, f"{link} leads nowhere"
    assert "arrayinit" in text
    assert "![" not in re.sub(r"!\[[^\]]*\]\(https?:", "", text)


def test_the_citation_has_the_address_of_the_project(address: ModuleType) -> None:
    text = (ROOT / "CITATION.cff").read_text()
    assert text == address.citation(text, address.address()), "run: python packaging/address.py"


def test_no_file_names_another_address(address: ModuleType) -> None:
    own = re.compile(r"(?:github\.com|github\.io|readthedocs\.\w+)/[\w./-]*arrayinit[\w./-]*")
    files = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CITATION.cff", "SECURITY.md", "pyproject.toml")]
    files += [*(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.py"), *(ROOT / ".github").rglob("*.yml")]
    found = {f"{file.relative_to(ROOT)}: {name}" for file in files for name in own.findall(file.read_text())}
    assert {line for line in found if not address.address() or address.address().split("://")[1] not in line} == set()


def test_what_the_build_needs_is_in_the_sdist() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    (provider,) = (entry["provider"] for entry in settings["dynamic-metadata"] if isinstance(entry["provider"], dict))
    assert f"/{provider['path']}/" in settings["scikit-build"]["sdist"]["include"]
    assert (ROOT / provider["path"] / f"{provider['module']}.py").exists()


def test_a_page_of_the_site_links_to_the_files_that_have_no_page(address: ModuleType) -> None:
    text = "[a](models.md), [b](../benchmarks/RESULTS.md) and [c](#c)"

    def path(target: str) -> str | None:
        return target.removeprefix("../") if target.startswith("../") else None

    linked = address.description(text, REPOSITORY, path)
    assert linked == f"[a](models.md), [b]({REPOSITORY}/blob/main/benchmarks/RESULTS.md) and [c](#c)"
    assert address.description(text, "", path) == "[a](models.md), b and [c](#c)"
