"""tinygrad: a tensor with a buffer keeps it, as captured programs need it. Any other tensor gets a new one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from threading import RLock
from typing import Any

import numpy as np
import tinygrad
from tinygrad import Tensor, dtypes

from arrayinit.backends import Array, Device, Fill, Rebound, Seed, numpy_generator
from arrayinit.backends.uploaded import Uploaded
from arrayinit.core.dtypes import FORMATS, NAMES
from arrayinit.kernels.rounding import BEYOND_NUMPY, from_bits, memory_dtype

_OWN = {name: name.replace("float8_", "fp8").replace("fp8e4m3fn", "fp8e4m3", "fnuz" not in name) for name in NAMES}
_DTYPES = {name: getattr(dtypes, own) for name, own in _OWN.items() if hasattr(dtypes, own)}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
# tinygrad changes the graphs of all tensors when it computes one.
_LOCK = RLock()


class Tinygrad(Uploaded, Rebound):
    """Adapter for `tinygrad.Tensor`."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, Tensor)

    def devices(self) -> Iterator[Device]:
        empty = partial(Tensor.empty, dtype=dtypes.float32)
        yield Device(
            "tinygrad", version("tinygrad"), tinygrad.Device.DEFAULT, empty, lambda x: x.realize(), Tensor.numpy
        )

    def namespace(self, x: Array) -> Any:
        return tinygrad

    def dtype(self, x: Array) -> str:
        if not all(isinstance(size, int) for size in x.shape):
            raise ValueError("x has a size that is a variable of tinygrad: fill a tensor of the largest size")
        return _NAMES.get(x.dtype, str(x.dtype.name))

    def generator(self, x: Array, rng: Any) -> np.random.Generator | Seed:
        """``rng=None`` draws a fresh seed from tinygrad's global state."""
        if rng is not None:
            return numpy_generator(rng, "a tinygrad tensor")
        with _LOCK:
            return Seed(tuple(Tensor.rand(8, dtype=dtypes.float32).numpy().view(np.uint32).tolist()))

    def read(self, x: Array) -> Iterator[Array]:
        x, name = x.to(x.device[0]) if isinstance(x.device, tuple) else x, self.dtype(x)
        if name not in BEYOND_NUMPY:
            yield x.numpy()
        else:
            bits = np.asarray(x.bitcast(_DTYPES[memory_dtype(name)]).numpy(), np.uint32)
            # Operations on an array without axes give a scalar.
            yield np.asarray(from_bits(bits, FORMATS[name]))

    def upload(self, x: Array, fill: Fill) -> Array:
        if 0 in x.shape:
            return x
        memory = fill.memory(x.shape, self.dtype(x))
        with _LOCK:
            values = Tensor(memory.reshape(-1), device="NPY").reshape(x.shape).shard_like(x)
            if not x.uop.has_buffer_identity():
                x.replace(x.empty_like())
            if values.dtype == x.dtype or isinstance(x.device, tuple):
                x.assign(values.bitcast(x.dtype))
            else:
                # A copy into the buffer, without a kernel. tinygrad loses such a write to a sharded tensor.
                x.bitcast(values.dtype).assign(values)
            # The host memory is needed until then.
            return x.realize()


BACKEND = Tinygrad()
