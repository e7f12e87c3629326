"""A browser without a window, spoken to by its own protocol over two pipes: no driver and no package is needed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Tab:
    """One page of a browser: calls go to it, and events come from it."""

    def __init__(self, asks: RawIOBase, answers: RawIOBase) -> None:
        self._asks, self._answers = asks, answers
        self._messages: list[bytes] = []
        self._unread = b""
        self._number = 0
        self._session: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return what it gives; events meanwhile go to ``events``."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params, **self._session}
        self._asks.write(json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return dict(answer["result"])

    def open(self, url: str) -> None:
        """Load a page, and wait until it is loaded; ``events`` are those of this page."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.wait()

    def wait(self) -> None:
        """Wait until a page is loaded, since ``events`` were cleared."""
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def run(self, script: str) -> Any:
        """Return the value of an expression of JavaScript; of a promise, what it comes to."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{answer['exceptionDetails']}\nin {script}")
        return answer["result"].get("value")

    def _read(self) -> dict[str, Any]:
        """Return the next message; each ends with a zero byte."""
        while not self._messages:
            more = self._answers.read(1 << 16)
            if not more:
                raise RuntimeError("the browser has ended")
            *whole, rest = more.split(b"\0")
            if whole:
                self._messages += [self._unread + whole[0], *whole[1:]]
                self._unread = rest
            else:
                self._unread += rest
        return dict(json.loads(self._messages.pop(0)))


def _pipe() -> list[int]:
    """Return the ends of a pipe, with numbers above 3 and 4, which the browser reads and writes."""
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low]
    for end in low:
        os.close(end)
    return high


@contextmanager
def tab(browser: str) -> Iterator[Tab]:
    """Start a browser that keeps nothing, and end it and all its processes."""
    if not (path := shutil.which(browser)):
        raise FileNotFoundError(f"there is no browser {browser}")
    theirs, asks = _pipe()
    answers, to_us = _pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        pid = os.posix_spawn(
            path,
            [browser, *OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            {**os.environ, "HOME": profile},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 2, str(Path(profile, "errors")), os.O_WRONLY | os.O_CREAT, 0o600),
                (os.POSIX_SPAWN_DUP2, theirs, 3),
                (os.POSIX_SPAWN_DUP2, to_us, 4),
            ],
            setpgroup=0,
        )
        os.close(theirs)
        os.close(to_us)
        try:
            with open(asks, "wb", buffering=0) as to, open(answers, "rb", buffering=0) as back:  # noqa: PTH123
                yield Tab(to, back)
        finally:
            os.killpg(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
