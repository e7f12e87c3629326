"""Arrays in the forms in which their memory may be handed to a function."""

from __future__ import annotations

from typing import Any

import numpy as np
from libraries import FORMS, WRONG_FORMS, Library

VALUE = 7


def formed(library: Library, shape: tuple[int, ...], dtype: str, form: str) -> tuple[Any, Any]:
    """Return an array, and its neighbours in memory or None."""

    def make(shape: tuple[int, ...]) -> Any:
        if library.in_place and library.has(dtype):
            return library.full(shape, dtype, VALUE)
        x = library.empty(shape, dtype)
        if library.in_place:
            x[...] = VALUE
        return x

    made = (FORMS[library.module] | WRONG_FORMS[library.module])[form](make, shape)
    return made if isinstance(made, tuple) else (made, None)


def values(x: Any, library: Library) -> np.ndarray | None:
    """Return the elements of an array, or None if it has none."""
    is_described = type(x).__name__ in ("ShapeDtypeStruct", "TensorSpec") or getattr(x, "is_meta", False)
    if not hasattr(x, "shape") or is_described:
        return None
    return library.to_numpy(x.detach().resolve_conj() if library.module == "torch" else x)
