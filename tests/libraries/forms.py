"""The forms in which any library may hand in its memory; what one alone has stands in its own file."""

from __future__ import annotations

from typing import Any

from arrayinit.backends.registry import backend_of
from libraries.library import Form


def _neighboured(make: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    if not shape:
        base = make((2,))
        return base[..., 0], base[..., 1]
    # Not along an axis of its own: some libraries index few axes. Nor does the standard start past the end of an axis.
    base = make((*shape[:-1], 2 * shape[-1]))
    return base[..., ::2], base[..., min(1, shape[-1]) :: 2]


def _transposed(make: Any, shape: tuple[int, ...]) -> Any:
    return transposed(make(shape[::-1]))


def transposed(x: Any) -> Any:
    """Return a view in which the axes are in reverse order."""
    axes, xp = tuple(reversed(range(x.ndim))), backend_of(x).namespace(x)
    return xp.permute_dims(x, axes) if hasattr(xp, "permute_dims") else x.transpose(axes)


def _reversed(make: Any, shape: tuple[int, ...]) -> Any:
    return make(shape)[(*(slice(None, None, -1) for _ in shape), ...)]


PLAIN: dict[str, Form] = {"plain": lambda make, shape: make(shape)}
VIEWS: dict[str, Form] = PLAIN | {"neighboured": _neighboured, "transposed": _transposed}
REVERSED: dict[str, Form] = {"reversed": _reversed}
ANY: dict[str, Form] = PLAIN | {"None": lambda *_: None, "list": lambda *_: [[1.0]], "float": lambda *_: 1.0}
"""What every library is handed, most of which is no array."""
