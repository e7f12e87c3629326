"""Dask under test."""

from __future__ import annotations

from typing import Any

import numpy as np

from libraries.forms import ANY
from libraries.library import COMPLEX, Form, Library


def _dask() -> Library:
    import dask.array as da

    def empty(shape: tuple[int, ...], dtype: str) -> Any:
        # Two chunks along each axis, of which the second is shorter.
        return da.empty(shape, dtype=dtype, chunks=tuple(-(-2 * size // 3) for size in shape))

    return Library(
        "dask",
        "dask",
        ("float16", "float32", "float64", *COMPLEX),
        empty,
        np.asarray,
        np.random.default_rng,
        lambda x: x.chunks,
        in_place=False,
    )


def _zeros(make: Any, shape: tuple[int, ...]) -> Any:
    import dask.array as da

    # What da.empty holds differs each time that it is computed.
    return da.zeros_like(make(shape))


LIBRARIES = {"dask": _dask}
FORMS: dict[str, dict[str, Form]] = {"dask": {"plain": _zeros}}
WRONG_FORMS: dict[str, dict[str, Form]] = {"dask": ANY | {"plain": _zeros}}
