"""Arrays of every library made without arrayinit, to be copied, and what the copy is compared by."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from boxes import STORED
from float8 import FLOAT8
from libraries import Library, no_such_case
from peers import peer
from portable_calls import bits

from arrayinit.core.dtypes import FORMATS, NAMES

# Loaded before the first test, so that it has the 64-bit dtypes that conftest.py switches on.
with suppress(ImportError):
    import jax

INTEGERS = tuple(name for name in NAMES if "int" in name)
KINDS = (("bool",), INTEGERS, ("float16", "bfloat16", "float32", "float64", *FLOAT8), ("complex64", "complex128"))


def kind(dtype: str) -> int:
    return next(k for k, names in enumerate(KINDS) if dtype in names)


def storage(dtype: str) -> str:
    """The dtype in which NumPy holds these numbers."""
    return "float32" if dtype in STORED else dtype


def has(library: str, dtype: str) -> bool:
    return dtype not in {"strict": ("float16", *STORED), "numpy": STORED, "dask": STORED}.get(library, ())


def array(library: str, values: np.ndarray, dtype: str) -> Any:
    """Return an array of a library, made without arrayinit; what NumPy lacks comes as numbers in float32."""
    words = np.asarray(bits(values, dtype), STORED[dtype]) if dtype in STORED else values
    if library == "torch":
        torch = peer("torch")
        made = torch.from_numpy(words)
        return made.view(getattr(torch, dtype)) if dtype in STORED else made
    if library == "jax":
        peer("jax")
        return jax.device_put(words.view(jax.numpy.dtype(dtype)), jax.devices()[-1])
    if library == "strict":
        xp = peer("array_api_strict")
        return xp.asarray(values, device=xp.Device("device1"))
    if library == "dask":
        return peer("dask.array").from_array(values, chunks=2)
    return values


def blank(library: Library, shape: tuple[int, ...], dtype: str) -> Any:
    if not library.has(dtype):
        no_such_case(f"{library.name} has no {dtype}")
    return library.full(shape, dtype, 1)


def same(x: Any, expected: np.ndarray, library: Library, dtype: str) -> None:
    """Bit by bit, but for what a NaN carries."""
    ours = library.to_numpy(x)
    assert ours.shape == expected.shape
    if kind(dtype) < 2:
        assert ours.dtype.name == dtype
        np.testing.assert_array_equal(ours, expected)
        return
    parts = [(ours, expected)] if kind(dtype) == 2 else [(ours.real, expected.real), (ours.imag, expected.imag)]
    real = FORMATS[dtype].real
    for own, other in parts:
        nan = np.isnan(other)
        np.testing.assert_array_equal(np.isnan(own), nan)
        plain = storage(real)
        own, other = (np.where(nan, 0, part).astype(plain) for part in (own, other))  # noqa: PLW2901
        np.testing.assert_array_equal(bits(own, real), bits(other, real))
