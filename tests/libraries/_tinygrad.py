"""tinygrad under test, on its device that needs no compiler."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from float8 import decoded

from libraries.forms import ANY, PLAIN
from libraries.library import FLOAT8, REAL, Form, Library

# Read when tinygrad is imported.
os.environ.setdefault("DEV", "PYTHON")


def _tinygrad() -> Library:
    from tinygrad import Tensor, dtypes

    own = {"float8_e4m3fn": dtypes.fp8e4m3} | {
        name: getattr(dtypes, name.replace("float8_", "fp8")) for name in FLOAT8[1:]
    }

    def empty(shape: tuple[int, ...], dtype: str) -> Any:
        return Tensor.empty(shape, dtype=own.get(dtype) or getattr(dtypes, dtype))

    def to_numpy(x: Any) -> np.ndarray:
        # Copies, since numpy() may share memory with a tensor. tinygrad's own conversion takes seconds on this device.
        if x.dtype == dtypes.bfloat16:
            return (x.bitcast(dtypes.uint16).numpy().astype(np.uint32) << 16).view(np.float32)
        kept = next((name for name, dtype in own.items() if x.dtype == dtype), None)
        return np.array(x.numpy()) if kept is None else decoded(x.bitcast(dtypes.uint8).numpy(), kept)

    return Library(
        "tinygrad",
        "tinygrad",
        REAL,
        empty,
        to_numpy,
        np.random.default_rng,
        lambda x: x.device,
        has_float8=True,
        has_views=False,
        tries=40,
        # tinygrad schedules a program for each.
        is_slow=True,
    )


def _lazy(make: Any, shape: tuple[int, ...]) -> Any:
    """Make a tensor that is yet to be computed."""
    return make(shape).zeros_like()


def _sliced(make: Any, shape: tuple[int, ...]) -> Any:
    return make((*shape, 2))[..., 0]


LIBRARIES = {"tinygrad": _tinygrad}
FORMS: dict[str, dict[str, Form]] = {"tinygrad": PLAIN | {"lazy": _lazy, "sliced": _sliced}}
WRONG_FORMS: dict[str, dict[str, Form]] = {"tinygrad": ANY}
