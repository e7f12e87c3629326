"""A device on which the command line tries a library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Device(NamedTuple):
    """How to create, wait for and read float32 arrays on a device.

    Examples
    --------
    >>> import numpy as np
    >>> from arrayinit.backends import Device, ready
    >>> device = Device("numpy", np.__version__, "cpu", lambda shape: np.empty(shape, "float32"), ready, np.asarray)
    >>> device.empty((2, 3)).shape, device.compiles
    ((2, 3), False)
    """

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
    """Do not wait: the array is computed when the call returns.

    Examples
    --------
    >>> import numpy as np
    >>> from arrayinit.backends import ready
    >>> ready(np.empty(2))
    """
