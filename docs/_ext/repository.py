"""Links of pages to files of the repository that have no page: they go to its address, or become plain text."""

from __future__ import annotations

import os
from pathlib import Path

import address
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def link(app: Sphinx, folder: Path, source: list[str]) -> None:
    """Change the links in a text before it is parsed. The text is that of a file in a folder."""

    def path(target: str) -> str | None:
        file = Path(os.path.normpath(folder / target))
        # Sphinx copies pictures.
        if app.srcdir in file.parents or file.suffix in (".png", ".svg"):
            return None
        return file.relative_to(address.ROOT).as_posix()

    source[0] = address.description(source[0], address.address(), path)


def read(app: Sphinx, page: str, source: list[str]) -> None:
    """Change the links of a page."""
    link(app, Path(app.env.doc2path(page)).parent, source)


def include(app: Sphinx, file: Path, page: str, source: list[str]) -> None:
    """Change the links of a file that a page includes."""
    link(app, (app.srcdir / file).resolve().parent, source)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Make this an extension."""
    app.connect("source-read", read)
    app.connect("include-read", include)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
