"""The releases of the libraries that are loaded."""

from __future__ import annotations

import sys


def release_of(library: str) -> str | None:
    """Return the release of a loaded library, by itself, its package or what is installed; None if none says it."""
    package = library.partition(".")[0]
    for name in (library, package):
        found = getattr(sys.modules.get(name), "__version__", None)
        if found is not None:
            return str(found)
    # Imported here: most libraries say it themselves.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def is_older(release: str, needed: str) -> bool:
    """Whether a release is before another one, by the first two numbers."""
    return _numbers(release) < _numbers(needed)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple([int("".join([c for c in part if c.isdecimal()]) or 0) for part in release.split(".")[:2]])
