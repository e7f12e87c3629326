"""A device on which a library makes arrays, as the command line tries it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Device(NamedTuple):
    """How to make, await and read float32 arrays on a device."""

    backend: str
    version: str
    device: str
    empty: Callable[[tuple[int, ...]], Any]
    """Return a float32 array of a shape, to be filled."""
    finish: Callable[[Any], None]
    """Wait until an array is there."""
    to_host: Callable[[Any], np.ndarray[Any, Any]]
    compiles: bool = False
    """Whether a first call may compile."""


def ready(x: Any) -> None:
    """Wait for nothing: an array is there when the call returns."""
