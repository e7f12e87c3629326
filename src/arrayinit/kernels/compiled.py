"""The compiled core: the portable stream in C, in one pass over memory, with the bits of the NumPy path."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from math import prod
from struct import pack
from typing import Any

import numpy as np

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FORMATS, FloatFormat
from arrayinit.kernels.rounding import memory_dtype
from arrayinit.stream import extension
from arrayinit.stream.program import KEYS_PROGRAM, Recorded, recorded
from arrayinit.stream.seed import Key

ALONE = 1 << 18
"""Up to this many elements, starting a second thread costs more than it saves."""

Law = bytes
"""A program of the core, the dtype that it writes, and the numbers of the program."""

_ROUNDED = ("bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")

# As in csrc/core.h. Numbers of the formats that NumPy lacks may go to an array of float32, rounded.
_FORMATS = (
    *("float32", "float64", "complex64", "complex128", "float16"),
    *_ROUNDED,
    *(f"rounded {name}" for name in _ROUNDED),
    "keys",
)


def law(distribution: Distribution, dtype: FloatFormat, memory: np.dtype[Any]) -> Law | None:
    """Return the law of draws into memory of this dtype; None if the NumPy path has to fill it."""
    if extension.core() is None:
        return None
    name = dtype.name
    if name in _ROUNDED and memory == np.float32:
        name = f"rounded {name}"
    elif memory != np.dtype(memory_dtype(name)):
        return None
    # The key is the text: equal tuples may be distributions of two kinds, or hold zeros of two signs.
    return _law(repr(distribution), distribution, dtype.name, name)


def law_at_once(distribution: Distribution, dtype: FloatFormat, shape: tuple[int, ...]) -> Law | None:
    """Return the law of a whole array; None if there is none, or several threads are faster."""
    if extension.core() is None or prod(shape) > ALONE:
        return None
    return _law(repr(distribution), distribution, dtype.name, dtype.name)


@lru_cache(maxsize=1000)
def _law(_: str, distribution: Distribution, dtype: str, name: str) -> Law | None:
    return _packed(recorded(distribution, FORMATS[dtype]), name)


def keys_law() -> Law | None:
    """Return the law of the sort keys of sparse_."""
    return None if extension.core() is None else _keys_law()


@cache
def _keys_law() -> Law | None:
    return _packed(Recorded(KEYS_PROGRAM, ()), "keys")


def _packed(draw: Recorded, name: str) -> Law | None:
    module = extension.core()
    program = -1 if module is None else module.program(draw.program.digest)
    if program < 0:
        return None
    kind = "d" if draw.program.word == "uint64" else "f"
    return pack(f"=II{len(draw.numbers)}{kind}", program, _FORMATS.index(name), *draw.numbers)


def fill(law: Law, key: Key, box: np.ndarray[Any, Any], shape: Sequence[int], corner: Sequence[int]) -> None:
    """Fill a box that begins at ``corner`` of a logical array of this shape."""
    module = extension.core()
    assert module is not None, "a law comes from the core"
    module.fill(law, key, box, tuple(shape), tuple(corner))
