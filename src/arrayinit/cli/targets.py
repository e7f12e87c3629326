"""The backends and devices of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np


class Target(NamedTuple):
    """A device of a library, and how to make and read arrays there."""

    backend: str
    version: str
    device: str
    empty: Callable[[tuple[int, ...]], Any]
    """Return an empty float32 array of a shape."""
    finish: Callable[[Any], None]
    """Wait until an array is computed."""
    to_host: Callable[[Any], np.ndarray[Any, Any]]
    compiles: bool = False
    """Whether the first call of a kind may compile."""


def _ready(x: Any) -> None:
    """Return at once: the array is computed."""


def _numpy() -> Iterator[Target]:
    yield Target("numpy", np.__version__, "cpu", partial(np.empty, dtype=np.float32), _ready, np.asarray)


def _torch() -> Iterator[Target]:
    import torch

    devices = ["cpu"]
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if accelerator is not None:
        devices += [f"{accelerator.type}:{i}" for i in range(torch.accelerator.device_count())]
    for device in devices:
        yield Target(
            "torch",
            torch.__version__,
            device,
            partial(torch.empty, dtype=torch.float32, device=device),
            _ready if device == "cpu" else lambda x: torch.accelerator.synchronize(x.device),
            lambda x: x.cpu().numpy(),
            compiles=device != "cpu",
        )


def _jax() -> Iterator[Target]:
    import jax

    devices = jax.devices()
    if devices[0].platform != "cpu":
        devices = [*jax.devices("cpu"), *devices]
    for device in devices:
        sharding = jax.sharding.SingleDeviceSharding(device)
        yield Target(
            "jax",
            jax.__version__,
            f"{device.platform}:{device.id}",
            partial(jax.ShapeDtypeStruct, dtype=np.float32, sharding=sharding),
            jax.block_until_ready,
            np.asarray,
            compiles=True,
        )


def _cupy() -> Iterator[Target]:
    import cupy

    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        return

    def empty(shape: tuple[int, ...], device: int) -> Any:
        with cupy.cuda.Device(device):
            return cupy.empty(shape, cupy.float32)

    for i in range(count):
        yield Target(
            "cupy",
            cupy.__version__,
            f"cuda:{i}",
            partial(empty, device=i),
            lambda x: x.device.synchronize(),
            cupy.asnumpy,
            compiles=True,
        )


def _dask() -> Iterator[Target]:
    import dask
    import dask.array as da

    empty = partial(da.empty, dtype=np.float32)
    yield Target("dask", dask.__version__, "cpu", empty, lambda x: x.compute(), np.asarray)


def _strict() -> Iterator[Target]:
    import array_api_strict as xp

    yield Target(
        "array_api_strict",
        xp.__version__,
        "cpu",
        partial(xp.empty, dtype=xp.float32),
        _ready,
        np.from_dlpack,
    )


LIBRARIES: dict[str, Callable[[], Iterator[Target]]] = {
    "numpy": _numpy,
    "torch": _torch,
    "jax": _jax,
    "cupy": _cupy,
    "dask": _dask,
    "array_api_strict": _strict,
}


def targets(backends: list[str] | None) -> list[Target]:
    """Return the targets of the named backends, or of all installed backends.

    Raises
    ------
    LookupError
        A named backend is not installed, or has no device; an installed backend cannot be imported.
    """
    if backends is None:
        return [target for name in LIBRARIES if find_spec(name) for target in _targets_of(name)]
    found = []
    for name in backends:
        if find_spec(name) is None:
            raise LookupError(f"backend {name} is not installed")
        of_backend = _targets_of(name)
        if not of_backend:
            raise LookupError(f"backend {name} is installed, but finds no device")
        found += of_backend
    return found


def _targets_of(name: str) -> list[Target]:
    try:
        return list(LIBRARIES[name]())
    except ImportError as error:
        raise LookupError(f"backend {name} is installed, but cannot be imported: {error}") from error
