"""The compiled core: the portable stream in C, in one pass over memory, with the bits of the NumPy path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache, lru_cache
from struct import pack
from types import ModuleType
from typing import Any

import numpy as np

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FORMATS, FloatFormat
from arrayinit.stream.program import KEYS_PROGRAM, Recorded, recorded
from arrayinit.stream.seed import Key

VARIABLE = "ARRAYINIT_CORE"
"""The environment variable that names an instruction set of the core, or "none" for the NumPy path."""

Law = bytes
"""A program of the core, the dtype that it writes, and the numbers of the program."""

# As in csrc/core.h. A bfloat16 number is written as its bits, or, rounded, into an array of float32.
_FORMATS = ("float32", "float64", "complex64", "complex128", "float16", "bfloat16", "rounded", "keys")
_STORED = {"bfloat16": "uint16", "rounded": "float32", "keys": "uint32"}


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


def law(distribution: Distribution, dtype: FloatFormat, memory: np.dtype[Any]) -> Law | None:
    """Return the law of draws into memory of this dtype; None if the NumPy path has to fill it."""
    if core() is None:
        return None
    # bfloat16 may go to an array of float32.
    name = "rounded" if dtype.name == "bfloat16" and memory == np.float32 else dtype.name
    if memory != np.dtype(_STORED.get(name, name)):
        return None
    # The key is the text: equal tuples may be distributions of two kinds, or hold zeros of two signs.
    return _law(repr(distribution), distribution, dtype.name, name)


@lru_cache(maxsize=1000)
def _law(_: str, distribution: Distribution, dtype: str, name: str) -> Law | None:
    return _packed(recorded(distribution, FORMATS[dtype]), name)


def keys_law() -> Law | None:
    """Return the law of the sort keys of sparse_."""
    return None if core() is None else _keys_law()


@cache
def _keys_law() -> Law | None:
    return _packed(Recorded(KEYS_PROGRAM, ()), "keys")


def _packed(draw: Recorded, name: str) -> Law | None:
    module = core()
    program = -1 if module is None else module.program(draw.program.digest)
    if program < 0:
        return None
    kind = "d" if draw.program.word == "uint64" else "f"
    return pack(f"=II{len(draw.numbers)}{kind}", program, _FORMATS.index(name), *draw.numbers)


def fill(law: Law, key: Key, box: np.ndarray[Any, Any], shape: Sequence[int], corner: Sequence[int]) -> None:
    """Fill a box that begins at ``corner`` of a logical array of this shape."""
    module = core()
    assert module is not None, "a law comes from the core"
    module.fill(law, key, box, tuple(shape), tuple(corner))
