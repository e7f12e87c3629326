"""The devices of this machine, as the adapters of its libraries know them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import NoReturn

import numpy as np

from arrayinit.backends.device import Device, ready
from arrayinit.backends.protocol import Backend
from arrayinit.backends.registry import libraries


def targets(backends: list[str] | None) -> list[Device]:
    """Return the targets of the named backends, or of all that are installed.

    A library that is installed and broken has one target, which raises the error of the library.

    Raises
    ------
    LookupError
        A named backend is not installed, or has no device.
    """
    known = libraries()
    if backends is None:
        return [target for name, load in known.items() if find_spec(name) for target in _targets_of(name, load)]
    found = []
    for name in backends:
        if find_spec(name) is None:
            raise LookupError(f"backend {name} is not installed")
        of_backend = _targets_of(name, known[name])
        if not of_backend:
            raise LookupError(f"backend {name} is installed, but finds no device")
        found += of_backend
    return found


def _targets_of(name: str, load: Callable[[], Backend]) -> list[Device]:
    try:
        return list(load().devices())
    # What a broken library raises when it is imported is not known.
    except Exception as error:  # noqa: BLE001
        return [Device(name, "-", "-", partial(_raise, error), ready, np.asarray)]


def _raise(error: Exception, _shape: tuple[int, ...]) -> NoReturn:
    raise error
