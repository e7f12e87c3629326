"""Any array with an array API namespace: the standard has no random numbers, so NumPy draws them on the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import array_api_compat
import numpy as np

from arrayinit.backends._numpy import parts
from arrayinit.backends.arguments import numpy_generator
from arrayinit.backends.protocol import Array
from arrayinit.core.dtypes import NAMES
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.rounding import rounds_twice

_CPU = 1
"""DLPack's number of host memory."""


class Generic:
    """Adapter for whatever follows the array API standard and can be written."""

    def accepts(self, cls: type) -> bool:
        return all(hasattr(cls, name) for name in ("__array_namespace__", "__setitem__", "device"))

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
        if not hasattr(x, "__dlpack__"):
            yield np.asarray(x)
        elif x.__dlpack_device__()[0] == _CPU:
            yield np.from_dlpack(x)
        else:
            yield x
            yield np.asarray(x)

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

    def put(self, x: Array, index: tuple[Any, ...], value: float) -> Array:
        """By a mask, since the standard lets no integer array index a write."""
        mask = np.zeros(x.shape, dtype=bool)
        mask[index] = True
        x[self.from_host(x, mask)] = self.namespace(x).astype(self.from_host(x, np.asarray(value, np.float32)), x.dtype)
        return x

    def arange(self, x: Array, count: int) -> Array:
        """For `put`, which takes them on the host."""
        return np.arange(count)

    def host(self, x: Array) -> np.ndarray[Any, Any] | None:
        return None

    def portable(self, x: Array, draw: Draw) -> Array:
        for index, values in draw.chunks():
            x[index] = self.namespace(x).astype(self.from_host(x, values), x.dtype)
        return x

    def from_host(self, x: Array, values: np.ndarray[Any, Any]) -> Array:
        return self.namespace(x).asarray(values, device=array_api_compat.device(x))


BACKEND = Generic()
