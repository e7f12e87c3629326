"""The forms in which the memory of an array may be handed to a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat
import numpy as np
from libraries import Library

# From what makes a contiguous array of a shape, and the shape, to the array.
Form = Callable[[Callable[[tuple[int, ...]], Any], tuple[int, ...]], Any]
VALUE = 7


def _neighboured(make: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    base = make((*shape, 2))
    return base[..., 0], base[..., 1]


def _transposed(make: Any, shape: tuple[int, ...]) -> Any:
    base = make(shape[::-1])
    return array_api_compat.array_namespace(base).permute_dims(base, tuple(reversed(range(len(shape)))))


def _reversed(make: Any, shape: tuple[int, ...]) -> Any:
    return make(shape)[(*(slice(None, None, -1) for _ in shape), ...)]


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
    base = make((1,) * len(shape))
    if isinstance(base, np.ndarray):
        return np.lib.stride_tricks.as_strided(base, shape, (0,) * len(shape))
    return base.expand(shape)


def _parameter(make: Any, shape: tuple[int, ...]) -> Any:
    import torch

    x = make(shape)
    return torch.nn.Parameter(x, requires_grad=x.is_floating_point() or x.is_complex())


def _struct(make: Any, shape: tuple[int, ...]) -> Any:
    import jax

    return jax.ShapeDtypeStruct(shape, make((0,)).dtype)


def _zeros(make: Any, shape: tuple[int, ...]) -> Any:
    import dask.array as da

    # What da.empty holds differs each time that it is computed.
    return da.zeros_like(make(shape))


_PLAIN: dict[str, Form] = {"plain": lambda make, shape: make(shape)}
_VIEWS = _PLAIN | {"neighboured": _neighboured, "transposed": _transposed}
FORMS: dict[str, dict[str, Form]] = {
    "array_api_strict": _VIEWS | {"reversed": _reversed},
    "cupy": _VIEWS | {"reversed": _reversed},
    "dask": {"plain": _zeros},
    "jax": _PLAIN | {"struct": _struct},
    "numpy": _VIEWS | {"reversed": _reversed, "byte-swapped": _byte_swapped, "unaligned": _unaligned},
    "torch": _VIEWS
    | {
        "parameter": _parameter,
        "conjugate": lambda make, shape: make(shape).conj(),
        "meta": lambda make, shape: make(shape).to("meta"),
    },
}
_ANY: dict[str, Form] = _PLAIN | {"None": lambda *_: None, "list": lambda *_: [[1.0]], "float": lambda *_: 1.0}
WRONG_FORMS: dict[str, dict[str, Form]] = {
    **dict.fromkeys(FORMS, _ANY),
    "dask": _ANY | {"plain": _zeros},
    "numpy": _ANY | {"read-only": _read_only, "expanded": _expanded},
    "torch": _ANY | {"expanded": _expanded},
}


def formed(library: Library, shape: tuple[int, ...], dtype: str, form: str) -> tuple[Any, Any]:
    """Return an array, and its neighbours in memory or None."""

    def make(shape: tuple[int, ...]) -> Any:
        x = library.empty(shape, dtype)
        if library.in_place:
            x[...] = dtype == "bool" or VALUE
        return x

    made = (FORMS[library.module] | WRONG_FORMS[library.module])[form](make, shape)
    return made if isinstance(made, tuple) else (made, None)


def values(x: Any, library: Library) -> np.ndarray | None:
    """Return the elements of an array, or None if it has none."""
    if not hasattr(x, "shape") or type(x).__name__ == "ShapeDtypeStruct" or getattr(x, "is_meta", False):
        return None
    return library.to_numpy(x.detach().resolve_conj() if library.module == "torch" else x)
