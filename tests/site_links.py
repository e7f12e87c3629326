"""Check the pages of the site without a browser: ``python tests/site_links.py FOLDER``.

Every internal link, picture, script, style and anchor must exist, and no page may load anything from another host.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser loads by itself. Links to other hosts are allowed: a reader follows them, or does not.
LOADED = {"script", "img", "source", "iframe", "embed", "video", "audio", "track", "object", "image", "use", "input"}
RELATIONS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "manifest"}
URL = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""")


class Page(HTMLParser):
    """What one page names: its anchors, its links, and what a browser loads for it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self._in_style = False
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.loads += URL.findall(given.get("style", ""))
        is_loaded = tag in LOADED or (tag == "link" and not RELATIONS.isdisjoint(given.get("rel", "").split()))
        kept = self.loads if is_loaded else self.links
        kept += [given[name] for name in ("href", "src", "data", "poster") if given.get(name)]
        self.loads += [part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()]

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.loads += URL.findall(data)


def faults(site: Path) -> Iterator[str]:
    """Yield what is wrong with a site, one line each."""
    # Templates of the theme are no pages.
    pages = {file: Page(file) for file in sorted(site.rglob("*.html")) if site / "_static" not in file.parents}
    if not pages:
        yield f"{site} has no page"
    for file, page in pages.items():
        name = file.relative_to(site)
        yield from (f"{name} loads {url} from another host" for url in page.loads if is_elsewhere(url))
        for url in dict.fromkeys([*page.links, *page.loads]):
            if not urlsplit(url).scheme and not url.startswith("//") and (fault := missing(url, file, pages)):
                yield f"{name}: {url} {fault}"
    for file in sorted(site.rglob("*.css")):
        name = file.relative_to(site)
        text = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        for url in dict.fromkeys(URL.findall(text)):
            if is_elsewhere(url):
                yield f"{name} loads {url} from another host"
            elif not url.startswith(("data:", "#")) and (fault := missing(url, file, pages)):
                yield f"{name}: {url} {fault}"


def is_elsewhere(url: str) -> bool:
    """Whether a browser would ask another host."""
    return url.startswith("//") or urlsplit(url).scheme in ("http", "https", "ftp", "ws", "wss")


def missing(url: str, file: Path, pages: dict[Path, Page]) -> str:
    """Return why a relative link of a file leads nowhere, or an empty string."""
    parts = urlsplit(url)
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file():
        return "does not exist"
    anchor = unquote(parts.fragment)
    return "has no such anchor" if anchor and target in pages and anchor not in pages[target].anchors else ""


def main(folder: str) -> None:
    found = list(faults(Path(folder).resolve()))
    if found:
        sys.exit("\n".join([*found, f"{len(found)} faults"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
