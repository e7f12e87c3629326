"""Look at each page of the site in a browser: ``python tests/site_browser.py FOLDER [BROWSER [PICTURES]]``.

Each page is shown on a desktop and a phone, light and dark. Nothing may be wider than the page, the console has no
error, no request fails or goes to another host, formulas and pictures have a size, and the search finds a word.
"""

from __future__ import annotations

import base64
import functools
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from typing import Any

from chromium import Tab, tab

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
HEIGHT = 900

# What is wrong with the page as it is shown. A part that scrolls by itself may hold something wider.
SHOWN = """(async () => {
  // The theme hears of the scheme before the second frame from now.
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const found = [], width = document.documentElement.clientWidth;
  const scrolls = e => e && e !== document.body && e !== document.documentElement &&
    (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
  if (document.documentElement.scrollWidth > width) {
    const wide = [...document.body.querySelectorAll('*')].filter(
      e => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement));
    found.push('is wider than the page: ' + wide.slice(-2).map(e => e.tagName + '.' + e.className).join(', '));
  }
  const main = document.querySelector('main') || document.body;
  for (const e of main.querySelectorAll('math, img')) {
    const box = e.getBoundingClientRect(), shown = e.checkVisibility();
    if (shown && !(box.width > 0 && box.height > 0)) found.push('has no size: ' + e.outerHTML.slice(0, 120));
  }
  if (document.documentElement.dataset.theme !== 'SCHEME') found.push('is not SCHEME');
  return found;
})()"""

# Pictures below the first screen are not loaded before they are asked for.
LOAD = """Promise.all([...document.images].map(i => { i.loading = 'eager'; return i.decode().catch(() => 0); }))"""

RESULTS = """new Promise((resolve, reject) => {
  const ask = n => {
    const found = document.querySelectorAll('#search-results li').length;
    if (found || !n) resolve(found); else setTimeout(ask, 50, n - 1);
  };
  ask(200);
})"""


class Quiet(SimpleHTTPRequestHandler):
    """A server that writes no log."""

    def log_message(self, *_: Any) -> None:
        pass


def heard(events: list[dict[str, Any]], host: str) -> Iterator[str]:
    """Yield the faults that a browser reported while it loaded a page."""
    for event in events:
        match event:
            case {"method": "Runtime.consoleAPICalled", "params": {"type": "error" | "assert", "args": args}}:
                yield f"writes to the console: {[arg.get('value', arg.get('description')) for arg in args]}"
            case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}:
                yield f"raises {details.get('exception', details).get('description', details['text'])}"
            case {"method": "Log.entryAdded", "params": {"entry": {"level": "error", "text": text, **entry}}}:
                yield f"has an error: {text} {entry.get('url', '')}"
            case {"method": "Network.requestWillBeSent", "params": {"request": {"url": url}}}:
                if not url.startswith((host, "data:", "blob:")):
                    yield f"asks another host: {url}"
            case {"method": "Network.loadingFailed", "params": {"errorText": text, "canceled": False}}:
                yield f"cannot load something: {text}"
            case _:
                pass


def look(page: Tab, name: str, pictures: Path | None) -> Iterator[str]:
    """Yield what is wrong with the page that is open, at each width and in each scheme."""
    page.run(LOAD)
    for width in WIDTHS:
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=HEIGHT, deviceScaleFactor=1, mobile=False)
        for scheme in SCHEMES:
            page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            shown = page.run(SHOWN.replace("SCHEME", scheme))
            yield from (f"at {width} pixels, {scheme}: {fault}" for fault in shown)
            if pictures:
                file = pictures / f"{name.removesuffix('.html').replace('/', '-')}-{width}-{scheme}.png"
                file.write_bytes(base64.b64decode(page.call("Page.captureScreenshot")["data"]))


def search(page: Tab, host: str, word: str) -> Iterator[str]:
    """Type a word as a reader does, and yield what is wrong with the results."""
    page.open(f"{host}index.html")
    page.run("document.querySelector('.search-button, .search-button-field').click()")
    page.call("Input.insertText", text=word)
    page.events.clear()
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    page.wait()
    if not page.run(RESULTS):
        yield f"the search finds no {word}"
    yield from (f"the search {fault}" for fault in heard(page.events, host))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder, and give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def faults(page: Tab, site: Path, pictures: Path | None = None) -> Iterator[str]:
    """Yield what is wrong with the pages of a folder, one line each."""
    files = [file for file in sorted(site.rglob("*.html")) if site / "_static" not in file.parents]
    with served(site) as host:
        for file in files:
            name = file.relative_to(site).as_posix()
            page.open(host + name)
            yield from (f"{name} {fault}" for fault in look(page, name, pictures))
            yield from (f"{name} {fault}" for fault in heard(page.events, host))


# A page with a fault, and what is to be said of it.
FAULTY = {
    '<div style="width: 5000px; height: 1px"></div>': "is wider than the page: DIV",
    "<main><math></math></main>": "has no size: <math",
    "<script>console.error('no')</script>": "writes to the console: ['no']",
    "<script>throw Error('no')</script>": "raises Error: no",
    '<img src="no.png">': "no.png",
    '<img src="http://other.invalid/a.png">': "asks another host: http://other.invalid/a.png",
    "<p>text</p>": "is not dark",
}


def unnoticed(page: Tab) -> Iterator[str]:
    """Yield the faults that this program does not find."""
    for text, fault in FAULTY.items():
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "page.html").write_text(f'<!doctype html><link rel="icon" href="data:,">{text}')
            if not any(fault in found for found in faults(page, Path(folder))):
                yield f"this program does not notice {text}"


def main(folder: str, browser: str = "chromium", pictures: str = "") -> None:
    if pictures:
        Path(pictures).mkdir(parents=True, exist_ok=True)
    site, number = Path(folder).resolve(), 0
    with tab(browser) as page, served(site) as host:
        searches = (search(page, host, word) for word in ("kaiming", "layout"))
        for fault in chain(unnoticed(page), faults(page, site, Path(pictures) if pictures else None), *searches):
            sys.stderr.write(f"{fault}\n")
            number += 1
    if number:
        sys.exit(f"{number} faults")


if __name__ == "__main__":
    main(*sys.argv[1:])
