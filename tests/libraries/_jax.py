"""JAX under test."""

from __future__ import annotations

from typing import Any

import numpy as np

from libraries.forms import ANY, PLAIN
from libraries.library import COMPLEX, REAL, Form, Library, as_plain


def _jax(platform: str) -> Library:
    import jax

    device = jax.devices(platform)[-1]
    sharding = jax.sharding.SingleDeviceSharding(device)

    def empty(shape: tuple[int, ...], dtype: str) -> Any:
        return jax.device_put(np.zeros(shape, jax.numpy.dtype(dtype)), sharding)

    return Library(
        "jax" if platform == "cpu" else f"jax:{platform}",
        "jax",
        (*REAL, *COMPLEX),
        empty,
        as_plain,
        jax.random.key,
        lambda x: x.sharding,
        in_place=False,
        tries=40,
        has_float8=True,
    )


def _struct(make: Any, shape: tuple[int, ...]) -> Any:
    import jax

    return jax.ShapeDtypeStruct(shape, make((0,)).dtype)


LIBRARIES = {"jax": lambda: _jax("cpu"), "jax:gpu": lambda: _jax("gpu")}
ON_GPU = {"jax:gpu"}
FORMS: dict[str, dict[str, Form]] = {"jax": PLAIN | {"struct": _struct}}
WRONG_FORMS: dict[str, dict[str, Form]] = {"jax": ANY}
