"""The devices of this machine, as the adapters of its libraries know them."""

from __future__ import annotations

from importlib.util import find_spec

from arrayinit.backends.device import Device
from arrayinit.backends.registry import libraries


def targets(backends: list[str] | None) -> list[Device]:
    """Return the targets of the named backends, or of all that are installed.

    Raises
    ------
    LookupError
        A named backend is not installed, or has no device; an installed one cannot be imported.
    """
    if backends is None:
        return [target for name in libraries() if find_spec(name) for target in _targets_of(name)]
    found = []
    for name in backends:
        if find_spec(name) is None:
            raise LookupError(f"backend {name} is not installed")
        of_backend = _targets_of(name)
        if not of_backend:
            raise LookupError(f"backend {name} is installed, but finds no device")
        found += of_backend
    return found


def _targets_of(name: str) -> list[Device]:
    try:
        return list(libraries()[name]().devices())
    except ImportError as error:
        raise LookupError(f"backend {name} is installed, but cannot be imported: {error}") from error
