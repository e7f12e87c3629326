"""The forms in which any library may hand in its memory; what one alone has stands in its own file."""

from __future__ import annotations

from typing import Any

import array_api_compat

from libraries.library import Form


def _neighboured(make: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    base = make((*shape, 2))
    return base[..., 0], base[..., 1]


def _transposed(make: Any, shape: tuple[int, ...]) -> Any:
    base = make(shape[::-1])
    return array_api_compat.array_namespace(base).permute_dims(base, tuple(reversed(range(len(shape)))))


def _reversed(make: Any, shape: tuple[int, ...]) -> Any:
    return make(shape)[(*(slice(None, None, -1) for _ in shape), ...)]


PLAIN: dict[str, Form] = {"plain": lambda make, shape: make(shape)}
VIEWS: dict[str, Form] = PLAIN | {"neighboured": _neighboured, "transposed": _transposed}
REVERSED: dict[str, Form] = {"reversed": _reversed}
ANY: dict[str, Form] = PLAIN | {"None": lambda *_: None, "list": lambda *_: [[1.0]], "float": lambda *_: 1.0}
"""What every library is handed, most of which is no array."""
