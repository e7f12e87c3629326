"""Dask under test."""

from __future__ import annotations

import importlib
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import numpy as np

from libraries.forms import ANY
from libraries.library import COMPLEX, Form, Library, as_plain


def _dask() -> Library:
    import dask.array as da

    with suppress(ImportError):
        # Makes NumPy know the names.
        importlib.import_module("ml_dtypes")

    def empty(shape: tuple[int, ...], dtype: str) -> Any:
        # Two chunks along each axis, of which the second is shorter.
        return da.empty(shape, dtype=dtype, chunks=tuple(-(-2 * size // 3) for size in shape))

    return Library(
        "dask",
        "dask",
        ("float16", "float32", "float64", *COMPLEX),
        empty,
        as_plain,
        np.random.default_rng,
        lambda x: x.chunks,
        in_place=False,
        tries=40,
        # Dask schedules a task for each of up to 64 chunks.
        is_slow=True,
        has_float8=find_spec("ml_dtypes") is not None,
    )


def _zeros(make: Any, shape: tuple[int, ...]) -> Any:
    import dask.array as da

    # What da.empty holds differs each time that it is computed.
    return da.zeros_like(make(shape))


LIBRARIES = {"dask": _dask}
FORMS: dict[str, dict[str, Form]] = {"dask": {"plain": _zeros}}
WRONG_FORMS: dict[str, dict[str, Form]] = {"dask": ANY | {"plain": _zeros}}
