"""The compiled core, the extension module that csrc/ builds, if it is installed."""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType

VARIABLE = "ARRAYINIT_CORE"
"""The environment variable that names an instruction set of the core, or "none" for the NumPy path."""


@cache
def core() -> ModuleType | None:
    """Return the core's module; None if it is not installed, or not wanted."""
    asked = os.environ.get(VARIABLE, "")
    if asked == "none":
        return None
    try:
        from arrayinit import _core
    except ImportError:
        if not asked:
            return None
        raise ImportError(f"{VARIABLE} is {asked!r}, but arrayinit was installed without its compiled core") from None
    sets = _core.instruction_sets()
    if asked and asked not in sets:
        raise ValueError(f"the environment variable {VARIABLE} must be one of none, {', '.join(sets)}; got {asked!r}")
    _core.use(asked or sets[-1])
    return _core


def instruction_set() -> str:
    """Return the instruction set that fills arrays, or "none" for NumPy's operations."""
    module = core()
    return "none" if module is None else os.environ.get(VARIABLE) or module.instruction_sets()[-1]
