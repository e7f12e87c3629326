"""The array libraries under test, behind one small interface: each underscored file here is one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from libraries.library import COMPLEX, FLOAT8, REAL, Form, Library, no_such_case

__all__ = [
    "COMPLEX",
    "FLOAT8",
    "FORMS",
    "KIT_ONLY",
    "LIBRARIES",
    "NEEDS",
    "ON_GPU",
    "REAL",
    "WRONG_FORMS",
    "Form",
    "Library",
    "available",
    "no_such_case",
]

LIBRARIES: dict[str, Callable[[], Library]] = {}
"""Each library, by its name and that of its device."""
NEEDS: dict[str, set[str]] = {}
"""The libraries that one is made of, by its name."""
ON_GPU: set[str] = set()
"""The libraries that are tested on a GPU alone."""
KIT_ONLY: set[str] = set()
"""The objects that hold an array of another library: the conformance kit tests them, and no other test."""
FORMS: dict[str, dict[str, Form]] = {}
"""The forms in which the memory of an array may be handed in, by the library's module."""
WRONG_FORMS: dict[str, dict[str, Form]] = {}
"""Forms that are refused, and those that may be."""

for _file in sorted(Path(__file__).parent.glob("_[a-z]*.py")):
    _module = import_module(f"libraries.{_file.stem}")
    LIBRARIES |= _module.LIBRARIES
    NEEDS |= getattr(_module, "NEEDS", {})
    ON_GPU |= getattr(_module, "ON_GPU", set())
    KIT_ONLY |= getattr(_module, "KIT_ONLY", set())
    FORMS |= _module.FORMS
    WRONG_FORMS |= _module.WRONG_FORMS


def available(name: str) -> bool:
    """Whether the library is installed and has its device."""
    try:
        LIBRARIES[name]()
    except (ImportError, RuntimeError):
        return False
    return True
