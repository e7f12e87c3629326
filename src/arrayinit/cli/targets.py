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
    named = list(known) if backends is None else backends
    installed = {name for name in named if find_spec(name)}
    # In the order of the registry: Paddle crashes if it is imported after TensorFlow.
    found = {name: _targets_of(name, load) for name, load in known.items() if name in installed}
    if backends is not None:
        for name in backends:
            if not found.get(name):
                state = "installed, but finds no device" if name in found else "not installed"
                raise LookupError(f"backend {name} is {state}")
    return [target for name in named for target in found.get(name, [])]


def _targets_of(name: str, load: Callable[[], Backend]) -> list[Device]:
    try:
        return list(load().devices())
    # What a broken library raises when it is imported is not known.
    except Exception as error:  # noqa: BLE001
        return [Device(name, "-", "-", partial(_raise, error), ready, np.asarray)]


def _raise(error: Exception, _shape: tuple[int, ...]) -> NoReturn:
    raise error
