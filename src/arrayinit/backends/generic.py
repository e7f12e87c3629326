"""Any array with an array API namespace: the standard has no random numbers, so NumPy draws them on the host."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import array_api_compat
import numpy as np

from arrayinit.backends.arguments import numpy_generator
from arrayinit.backends.numpy import parts
from arrayinit.backends.protocol import Array
from arrayinit.core.dtypes import NAMES
from arrayinit.random.draws import Draw
from arrayinit.random.rounding import rounds_twice

_CPU = 1
"""DLPack's number of host memory."""


class Generic:
    """Adapter for whatever follows the array API standard and can be written."""

    def accepts(self, cls: type) -> bool:
        standard = all(hasattr(cls, name) for name in ("__array_namespace__", "__setitem__", "device"))
        # What NumPy's own adapter refuses.
        return standard and not issubclass(cls, np.ndarray)

    def namespace(self, x: Array) -> Any:
        return array_api_compat.array_namespace(x)

    def dtype(self, x: Array) -> str:
        xp = self.namespace(x)
        return next((name for name in NAMES if x.dtype == getattr(xp, name, None)), str(x.dtype))

    def check_writable(self, x: Array) -> None:
        if not array_api_compat.is_writeable_array(x):
            raise ValueError(f"x of shape {x.shape} is a read-only {type(x).__name__}; pass a writable copy")

    def where_it_lives(self, x: Array, body: Callable[[Array], Array]) -> Array:
        return body(x)

    def generator(self, x: Array, rng: Any) -> np.random.Generator:
        return numpy_generator(rng, f"{type(x).__module__} arrays")

    def fill(self, x: Array, value: complex) -> Array:
        xp = self.namespace(x)
        x[...] = xp.full(x.shape, value, dtype=x.dtype, device=array_api_compat.device(x))
        return x

    def assign(self, x: Array, values: Array) -> Array:
        x[...] = self.namespace(x).astype(values, x.dtype)
        return x

    def exports(self, x: Array) -> Iterator[Array]:
        """What lies in host memory NumPy reads, whose strides may be negative: torch aborts on them."""
        x = _readable(x)
        if hasattr(x, "__dlpack__") and x.__dlpack_device__()[0] != _CPU:
            yield x
        yield _on_host(x)

    def copy(self, x: Array, source: Array) -> Array:
        name, xp = self.dtype(x), self.namespace(x)
        # NumPy, which many of these libraries are made of, warns of an overflow to infinity.
        with np.errstate(all="ignore"):
            if not isinstance(source, np.ndarray) and not rounds_twice(self.dtype(source), name):
                x[...] = array_api_compat.to_device(xp.astype(source, x.dtype), array_api_compat.device(x))
                return x
            *_, values = [source] if isinstance(source, np.ndarray) else self.exports(source)
            for index, part in parts(values, name):
                # The device may lack the dtype of the source.
                host = part if name == "bfloat16" else part.astype(name)
                x[index] = xp.astype(self.from_host(x, host), x.dtype)
        return x

    def put(self, x: Array, index: tuple[Any, ...], value: complex) -> Array:
        """By a mask, since the standard lets no integer array index a write."""
        mask = np.zeros(x.shape, dtype=bool)
        mask[index] = True
        name = self.dtype(x)
        host = np.asarray(value, "float32" if name == "bfloat16" else name)
        x[self.from_host(x, mask)] = self.namespace(x).astype(self.from_host(x, host), x.dtype)
        return x

    def arange(self, x: Array, count: int) -> Array:
        """For `put`, which takes them on the host."""
        return np.arange(count)

    def host(self, x: Array) -> np.ndarray[Any, Any] | None:
        return None

    def portable(self, x: Array, draw: Draw) -> Array:
        for index, values in draw.parts():
            x[index] = self.namespace(x).astype(self.from_host(x, values), x.dtype)
        return x

    def from_host(self, x: Array, values: np.ndarray[Any, Any]) -> Array:
        return self.namespace(x).asarray(values, device=array_api_compat.device(x))


BACKEND = Generic()


def _readable(x: Array) -> Array:
    """Return an array that NumPy can read: not watched for gradients, and of no bfloat16, which DLPack lacks there."""
    if hasattr(x, "detach"):
        x = x.detach()
    library, _, name = str(getattr(x, "dtype", "")).rpartition(".")
    # Paddle would give the numbers' bits as integers. float32 holds all of them.
    if name == "bfloat16" and library in sys.modules:
        return x.astype(sys.modules[library].float32)
    return x


def _on_host(x: Array) -> Array:
    if not hasattr(x, "__dlpack__") or x.__dlpack_device__()[0] != _CPU:
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
