"""A device on which the command line tries a library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Device(NamedTuple):
    """How to create, wait for and read float32 arrays on a device."""

    backend: str
    version: str
    device: str
    empty: Callable[[tuple[int, ...]], Any]
    """Return an empty float32 array of a shape."""
    finish: Callable[[Any], None]
    """Wait until an array is computed."""
    to_host: Callable[[Any], np.ndarray[Any, Any]]
    compiles: bool = False
    """Whether a first call may compile."""


def ready(x: Any) -> None:
    """Do not wait: the array is computed when the call returns."""
