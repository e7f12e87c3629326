"""The releases of libraries that are loaded."""

from __future__ import annotations

import sys


def release_of(library: str) -> str | None:
    """Return the release of a loaded library, by itself or by its package, or None if neither says it."""
    for name in (library, library.partition(".")[0]):
        found = getattr(sys.modules.get(name), "__version__", None)
        if found is not None:
            return str(found)
    return None


def is_older(release: str, needed: str) -> bool:
    """Whether a release is before another one, by the first two numbers."""
    return _numbers(release) < _numbers(needed)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple([int("".join([c for c in part if c.isdecimal()]) or 0) for part in release.split(".")[:2]])
