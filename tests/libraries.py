"""The array libraries under test, behind one small interface."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pytest
from never_run import NO_SUCH_CASE
from peers import wanted

REAL = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")


@dataclass(frozen=True)
class Library:
    """How the tests make arrays of one library on one device, and read them."""

    name: str
    module: str
    dtypes: tuple[str, ...]
    empty: Callable[[tuple[int, ...], str], Any]
    to_numpy: Callable[[Any], np.ndarray]
    generator: Callable[[int], Any]
    """A generator of the library's own; of NumPy where it has none."""
    device: Callable[[Any], Any]
    in_place: bool = True

    def full(self, shape: tuple[int, ...], dtype: str, value: float) -> Any:
        """Return an array that shows where it was written."""
        import arrayinit

        return arrayinit.constant_(self.empty(shape, dtype), value)


def _as_plain(x: Any) -> np.ndarray:
    """Return the elements in a dtype of NumPy's own."""
    values = np.asarray(x)
    return values.astype(np.float64) if values.dtype.name == "bfloat16" else values


def _numpy() -> Library:
    narrow: tuple[str, ...] = ("float16",)
    if wanted("ml_dtypes"):
        # Makes NumPy know the name. Where it is asked for and missing, all tests fail.
        importlib.import_module("ml_dtypes")
        narrow = ("float16", "bfloat16")

    return Library(
        "numpy",
        "numpy",
        (*narrow, "float32", "float64", *COMPLEX),
        np.empty,
        _as_plain,
        np.random.default_rng,
        lambda x: "cpu",
    )


def _strict() -> Library:
    import array_api_strict as xp

    device = xp.Device("device1")
    cpu = xp.Device("CPU_DEVICE")
    return Library(
        "strict",
        "array_api_strict",
        ("float32", "float64", *COMPLEX),
        lambda shape, dtype: xp.empty(shape, dtype=getattr(xp, dtype), device=device),
        lambda x: np.array(np.from_dlpack(x.to_device(cpu))),
        np.random.default_rng,
        lambda x: x.device,
    )


def _torch(device: str) -> Library:
    import torch

    def to_numpy(x: Any) -> np.ndarray:
        x = x.detach().cpu()
        return (x.double() if x.dtype == torch.bfloat16 else x).numpy()

    return Library(
        f"torch:{device}" if device != "cpu" else "torch",
        "torch",
        (*REAL, *COMPLEX),
        lambda shape, dtype: torch.empty(shape, dtype=getattr(torch, dtype), device=device),
        to_numpy,
        lambda seed: torch.Generator(device).manual_seed(seed),
        lambda x: x.device,
    )


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
        _as_plain,
        jax.random.key,
        lambda x: x.sharding,
        in_place=False,
    )


def _cupy() -> Library:
    import cupy

    return Library(
        "cupy",
        "cupy",
        ("float16", "float32", "float64", *COMPLEX),
        cupy.empty,
        cupy.asnumpy,
        cupy.random.default_rng,
        lambda x: x.device,
    )


def _dask() -> Library:
    import dask.array as da

    def empty(shape: tuple[int, ...], dtype: str) -> Any:
        # Two chunks along each axis, of which the second is shorter.
        return da.empty(shape, dtype=dtype, chunks=tuple(-(-2 * size // 3) for size in shape))

    return Library(
        "dask",
        "dask",
        ("float16", "float32", "float64", *COMPLEX),
        empty,
        np.asarray,
        np.random.default_rng,
        lambda x: x.chunks,
        in_place=False,
    )


LIBRARIES: dict[str, Callable[[], Library]] = {
    "numpy": _numpy,
    "strict": _strict,
    "torch": lambda: _torch("cpu"),
    "jax": lambda: _jax("cpu"),
    "cupy": _cupy,
    "dask": _dask,
    "torch:cuda": lambda: _torch("cuda"),
    "jax:gpu": lambda: _jax("gpu"),
}


def available(name: str) -> bool:
    """Whether the library is installed and has its device."""
    try:
        if name == "cupy":
            return importlib.import_module("cupy").cuda.runtime.getDeviceCount() > 0
        if name == "torch:cuda":
            return bool(importlib.import_module("torch").cuda.is_available())
        LIBRARIES[name]()
    except (ImportError, RuntimeError):
        return False
    return True


ON_GPU = {"cupy", "torch:cuda", "jax:gpu"}
"""The libraries that are tested on a GPU alone."""


def no_such_case(reason: str) -> NoReturn:
    """Skip a combination of parameters that has no meaning. Any other test that every session skips fails the build."""
    pytest.skip(NO_SUCH_CASE + reason)
