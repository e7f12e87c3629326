"""Any array with an array API namespace. The standard has no random numbers, so NumPy draws them on the host."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from arrayinit.backends.arguments import instead_of
from arrayinit.backends.device import Device, ready
from arrayinit.backends.protocol import Array, Backend, InPlace, Replaced
from arrayinit.core.dtypes import NAMES
from arrayinit.kernels.fill import Fill
from arrayinit.kernels.rounding import BEYOND_NUMPY, BYTES, rounds_twice
from arrayinit.kernels.table import Table

_CPU = 1
"""DLPack's device type for host memory."""


class _ArrayAPI(Backend):
    """The methods that both adapters of the standard share."""

    def namespace(self, x: Array) -> Any:
        # array-api-compat would ask each library that is loaded, and fail where one is half imported.
        return x.__array_namespace__()

    def dtype(self, x: Array) -> str:
        xp = self.namespace(x)
        return next(
            (name for name in NAMES if hasattr(xp, name) and x.dtype == getattr(xp, name)),
            str(x.dtype).rpartition(".")[2],
        )

    def read(self, x: Array) -> Iterator[Array]:
        """NumPy alone reads host memory: torch aborts on negative strides, and NumPy does not."""
        x = _readable(x)
        if _dlpack_device(x) not in (None, _CPU):
            yield x
        yield _on_host(x)

    def _converts(self, source: Array, x: Array) -> bool:
        """Whether the source is of the library of ``x``, which converts it with one rounding."""
        given, dtype = (None if isinstance(source, np.ndarray) else self.dtype(source)), self.dtype(x)
        return given == dtype or (given is not None and dtype not in BYTES and not rounds_twice(given, dtype))

    def _from_host(self, x: Array, chunk: np.ndarray[Any, Any]) -> Array:
        """Copy a chunk to the dtype of ``x``, and to its device if arrays have one."""
        xp = self.namespace(x)
        device = {"device": x.device} if hasattr(x, "device") else {}
        return xp.astype(xp.asarray(chunk, **device), x.dtype)


class WritableArrayAPI(_ArrayAPI, InPlace):
    """Adapter for arrays that follow the standard and can be written."""

    def accepts(self, cls: type) -> bool:
        return _is_standard(cls) and hasattr(cls, "__setitem__")

    def check_writable(self, x: Array) -> None:
        if not getattr(getattr(x, "flags", None), "writeable", True):
            raise ValueError(f"x of shape {x.shape} is a read-only {type(x).__name__}; pass a writable copy")

    def write(self, x: Array, fill: Fill) -> Array:
        # Many of these libraries use NumPy, which warns of an overflow to infinity.
        with np.errstate(all="ignore"):
            if isinstance(fill, Table) and self._converts(fill.values, x):
                values = self.namespace(x).astype(fill.values, x.dtype)
                is_near = getattr(values, "device", None) == getattr(x, "device", None)
                x[...] = values if is_near else values.to_device(x.device)
                return x
            for index, chunk in fill.chunks(tuple(x.shape), self.dtype(x)):
                x[index] = self._from_host(x, chunk)
        return x


class ReplacedArrayAPI(_ArrayAPI, Replaced):
    """Adapter for arrays that follow the standard and cannot be written."""

    def accepts(self, cls: type) -> bool:
        return _is_standard(cls) and not hasattr(cls, "__setitem__")

    def write(self, x: Array, fill: Fill) -> Array:
        with np.errstate(all="ignore"):
            return self._from_host(x, fill.whole(tuple(x.shape), self.dtype(x)))


class Strict(WritableArrayAPI):
    """The adapter with a library whose devices the command line tries: the standard's own, array_api_strict."""

    def devices(self) -> Iterator[Device]:
        import array_api_strict as xp

        yield Device(
            "array_api_strict",
            xp.__version__,
            "cpu",
            partial(xp.empty, dtype=xp.float32),
            ready,
            np.from_dlpack,
        )


WRITABLE, REPLACED, STRICT = WritableArrayAPI(), ReplacedArrayAPI(), Strict()


def _is_standard(cls: type) -> bool:
    # NumPy's own adapter knows which of its classes are arrays. A sparse array has no memory for its zeros.
    return hasattr(cls, "__array_namespace__") and not issubclass(cls, np.ndarray) and not instead_of(cls)


def _readable(x: Array) -> Array:
    """Return an array that NumPy can read: without gradients, and of a dtype that NumPy has."""
    if hasattr(x, "detach"):
        x = x.detach()
    # ndonnx has its own name for NumPy's array.
    if hasattr(x, "unwrap_numpy"):
        return x.unwrap_numpy()
    library, _, name = str(getattr(x, "dtype", "")).rpartition(".")
    # A library may give the bits of the numbers as integers. float32 holds all narrow numbers.
    if name in BEYOND_NUMPY and library in sys.modules:
        return x.astype(sys.modules[library].float32)
    return x


def _dlpack_device(x: Array) -> int | None:
    """Return the type of the device of an array, as in DLPack; None for an array that DLPack cannot take."""
    try:
        return int(x.__dlpack_device__()[0]) if hasattr(x, "__dlpack__") else None
    except ValueError:
        # ndonnx has no devices.
        return None


def _on_host(x: Array) -> Array:
    if _dlpack_device(x) != _CPU:
        values = np.asarray(x)
    else:
        try:
            values = np.from_dlpack(x)
        except (BufferError, RuntimeError) as error:
            if not hasattr(x, "__array__"):
                raise TypeError(str(error)) from error
            values = np.asarray(x)
    name = str(getattr(x, "dtype", "")).rpartition(".")[2]
    if "float" in name and values.dtype.kind in "biu":
        raise TypeError(f"NumPy reads its dtype {name} as {values.dtype.name}")
    return values
