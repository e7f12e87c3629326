"""Paddle under test."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from libraries.forms import ANY, REVERSED, VIEWS
from libraries.library import COMPLEX, FLOAT8, REAL, Form, Library


def loaded() -> Any:
    """Return Paddle. Its import warns where a compiler's cache is missing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No ccache found", UserWarning)
        import paddle
    return paddle


def _paddle() -> Library:
    paddle = loaded()

    def to_numpy(x: Any) -> np.ndarray:
        is_narrow = str(x.dtype).removeprefix("paddle.") in ("bfloat16", *FLOAT8)
        return (x.detach().astype("float64") if is_narrow else x.detach()).numpy()

    return Library(
        "paddle",
        "paddle",
        (*REAL, *COMPLEX),
        lambda shape, dtype: paddle.empty(shape, dtype),
        to_numpy,
        np.random.default_rng,
        lambda x: x.place,
        has_float8=True,
        lacks=("uint16", "uint32", "uint64", "float8_e4m3fnuz", "float8_e5m2fnuz"),
    )


def _parameter(make: Any, shape: tuple[int, ...]) -> Any:
    import paddle

    x = make(shape)
    return paddle.base.framework.EagerParamBase(x, requires_grad=x.is_floating_point() or x.is_complex())


LIBRARIES = {"paddle": _paddle}
FORMS: dict[str, dict[str, Form]] = {"paddle": VIEWS | REVERSED | {"parameter": _parameter}}
WRONG_FORMS: dict[str, dict[str, Form]] = {"paddle": ANY}
