"""NumPy under test."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from peers import wanted

from libraries.forms import ANY, REVERSED, VIEWS
from libraries.library import COMPLEX, Form, Library, as_plain


def _numpy() -> Library:
    narrow: tuple[str, ...] = ("float16",)
    if wanted("ml_dtypes"):
        # Makes NumPy know the name. Where it is asked for and missing, all tests fail.
        importlib.import_module("ml_dtypes")
        narrow = ("float16", "bfloat16")

    return Library(
        "numpy",
        "numpy",
        (*narrow, "float32", "float64", *COMPLEX),
        np.empty,
        as_plain,
        np.random.default_rng,
        lambda x: "cpu",
        has_float8=len(narrow) > 1,
    )


def _byte_swapped(make: Any, shape: tuple[int, ...]) -> Any:
    x = make(shape)
    return x.astype(x.dtype.newbyteorder())


def _unaligned(make: Any, shape: tuple[int, ...]) -> Any:
    x = make(shape)
    moved = np.empty(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(shape)
    moved[...] = x
    return moved


def _read_only(make: Any, shape: tuple[int, ...]) -> Any:
    x = make(shape)
    x.flags.writeable = False
    return x


def _expanded(make: Any, shape: tuple[int, ...]) -> Any:
    return np.lib.stride_tricks.as_strided(make((1,) * len(shape)), shape, (0,) * len(shape))


LIBRARIES = {"numpy": _numpy}
FORMS: dict[str, dict[str, Form]] = {
    "numpy": VIEWS | REVERSED | {"byte-swapped": _byte_swapped, "unaligned": _unaligned}
}
WRONG_FORMS: dict[str, dict[str, Form]] = {"numpy": ANY | {"read-only": _read_only, "expanded": _expanded}}
