"""MLX under test."""

from __future__ import annotations

from typing import Any

import numpy as np

from libraries.forms import ANY, PLAIN
from libraries.library import Form, Library


def _mlx() -> Library:
    import mlx.core as mx

    def empty(shape: tuple[int, ...], dtype: str) -> Any:
        return mx.zeros(shape, getattr(mx, dtype.replace("bool", "bool_")), stream=mx.cpu)

    def to_numpy(x: Any) -> np.ndarray:
        # MLX may write memory that it shares with NumPy.
        return np.array(x.astype(mx.float32) if x.dtype == mx.bfloat16 else x)

    return Library(
        "mlx",
        "mlx",
        ("float16", "bfloat16", "float32", "float64", "complex64"),
        empty,
        to_numpy,
        mx.random.key,
        lambda x: "cpu",
        has_views=False,
        tries=100,
        # Each thread has a state of its own, and all of them begin alike.
        threads_share=False,
    )


def _sliced(make: Any, shape: tuple[int, ...]) -> Any:
    """Make an array whose memory is a part of that of another."""
    return make((*shape, 2))[..., 0]


def _transposed(make: Any, shape: tuple[int, ...]) -> Any:
    return make(shape[::-1]).transpose()


LIBRARIES = {"mlx": _mlx}
FORMS: dict[str, dict[str, Form]] = {"mlx": PLAIN | {"sliced": _sliced, "transposed": _transposed}}
WRONG_FORMS: dict[str, dict[str, Form]] = {"mlx": ANY}
