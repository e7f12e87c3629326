"""What the pages say where they are part of the repository, made fit for a site.

A link to a file of the repository that has no page goes to the repository's address, or becomes plain text. A block of
code loses the empty line at its end, which separates doctests.
"""

from __future__ import annotations

import os
from pathlib import Path

import address
from docutils import nodes
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


def strip(app: Sphinx, document: nodes.document) -> None:
    """Remove the empty lines at the ends of code."""
    for block in document.findall(nodes.literal_block):
        # Sphinx highlights a block whose text is its source.
        block.rawsource = block.astext().rstrip()
        block.children = [nodes.Text(block.rawsource)]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Make this an extension."""
    app.connect("source-read", read)
    app.connect("include-read", include)
    app.connect("doctree-read", strip)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
