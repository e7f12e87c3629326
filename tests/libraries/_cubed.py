"""cubed under test."""

from __future__ import annotations

from typing import Any

import numpy as np

from libraries.forms import ANY
from libraries.library import Form, Library, as_plain


def _cubed() -> Library:
    import cubed.array_api as xp

    def empty(shape: tuple[int, ...], dtype: str) -> Any:
        # Two chunks along the first two axes, of which the second is shorter. Each chunk is a file.
        chunks = (*(max(1, -(-2 * size // 3)) for size in shape[:2]), *shape[2:])
        return xp.empty(shape, dtype=np.dtype(dtype), chunks=chunks)

    return Library(
        "cubed",
        "cubed",
        ("float16", "float32", "complex64"),
        empty,
        as_plain,
        np.random.default_rng,
        lambda x: x.chunks,
        in_place=False,
        tries=40,
    )


def _zeros(make: Any, shape: tuple[int, ...]) -> Any:
    import cubed.array_api as xp

    # What xp.empty holds differs each time that it is computed.
    return xp.zeros_like(make(shape))


LIBRARIES = {"cubed": _cubed}
FORMS: dict[str, dict[str, Form]] = {"cubed": {"plain": _zeros}}
WRONG_FORMS: dict[str, dict[str, Form]] = {"cubed": ANY | {"plain": _zeros}}
