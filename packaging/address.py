"""The address of the repository: its one place is ``[tool.arrayinit]`` in pyproject.toml, and this makes all links.

``python packaging/address.py`` writes the links into CITATION.cff, README.md and the templates of issues. The build
takes the project's urls and its description from here. While the address is empty, there are no urls.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

# A link of Markdown, or a picture, to a file of the repository or to a heading of the same page.
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((?!\w+:)([^)\s]+)\)")
_CITED = re.compile(r"^(repository-code|url): .*\n", re.MULTILINE)


def address() -> str:
    """Return the address of the repository, without a slash at its end; an empty string while it is not known."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["arrayinit"]
    return str(settings["repository"]).rstrip("/")


def site(repository: str) -> str:
    """Return the address of the documentation: the pages that GitHub serves for a repository of GitHub."""
    owner, name = repository.rsplit("/", 2)[-2:]
    return f"https://{owner.lower()}.github.io/{name}/"


def urls(repository: str) -> dict[str, str]:
    """Return the project's urls."""
    if not repository:
        return {}
    return {
        "Documentation": site(repository),
        "Source": repository,
        "Issues": f"{repository}/issues",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
    }


def description(text: str, repository: str, path: Callable[[str], str | None] = str) -> str:
    """Return a page for a place without the other files: with links to the repository, or without links.

    ``path`` returns the path in the repository of what a link names, or None for a link to leave as it is. The
    README needs none: it lies at the root.
    """

    def linked(match: re.Match[str]) -> str:
        picture, label, target = match.groups()
        if target.startswith("#") or (file := path(target)) is None:
            return match[0]
        if not repository:
            return "" if picture else label
        kind = "raw" if picture else "blob"
        return f"{picture}[{label}]({repository}/{kind}/main/{file})"

    return _LINK.sub(linked, text)


def citation(text: str, repository: str) -> str:
    """Return CITATION.cff with the address, or without one."""
    text = _CITED.sub("", text)
    if not repository:
        return text
    return text.replace("\nlicense:", f"\nrepository-code: {repository}\nurl: {site(repository)}\nlicense:", 1)


def dynamic_metadata(settings: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the build does not find in pyproject.toml."""
    repository = address()
    text = description((ROOT / "README.md").read_text(encoding="utf-8"), repository)
    readme = {"readme": {"text": text, "content-type": "text/markdown"}}
    return {**readme, "urls": urls(repository)} if repository else readme


def main() -> None:
    """Write the address where it must stand in a file."""
    file = ROOT / "CITATION.cff"
    file.write_text(citation(file.read_text(encoding="utf-8"), address()), encoding="utf-8")


if __name__ == "__main__":
    main()
