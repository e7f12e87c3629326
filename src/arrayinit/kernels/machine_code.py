"""Machine code that was compiled before, in a folder of the user's."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

VARIABLE = "ARRAYINIT_CACHE_DIR"
"""The environment variable that names another folder."""

_DIGEST = sha256().digest_size


def load(name: str) -> bytes | None:
    """Return what `store` kept under this name; None if it is missing, unreadable or damaged."""
    try:
        content = (folder() / name).read_bytes()
    except (OSError, RuntimeError):
        return None
    digest, code = content[:_DIGEST], content[_DIGEST:]
    return code if sha256(code).digest() == digest else None


def store(name: str, code: bytes) -> None:
    """Keep machine code for other processes, where the folder can be written."""
    # Another process may read or write the file at the same time: it sees the old file or the new one.
    with suppress(OSError, RuntimeError):
        place = folder()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, written = tempfile.mkstemp(dir=place, prefix=name)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(sha256(code).digest() + code)
            Path(written).replace(place / name)
        except BaseException:
            Path(written).unlink()
            raise


def folder() -> Path:
    """Return the folder; RuntimeError if the user has no home."""
    asked = os.environ.get(VARIABLE)
    if asked:
        return Path(asked)
    own = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    # The XDG base directory specification has relative paths ignored.
    base = Path(own) if Path(own).is_absolute() else Path.home() / ".cache"
    return base / "arrayinit"
