"""MLX: an array is written by giving it new values, since arrays may share a buffer. Slices are copies."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import mlx.core as mx
import numpy as np

from arrayinit.backends import Array, Device, Fill, Generator, Rebound, Seed
from arrayinit.backends.arguments import own_generator
from arrayinit.backends.native import NativeBackend
from arrayinit.backends.uploaded import Uploaded
from arrayinit.core.distributions import Normal, Uniform
from arrayinit.kernels.rounding import memory_dtype, rounds_twice


class MLX(NativeBackend, Uploaded, Rebound):
    """Adapter for `mlx.core.array`."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, mx.array)

    def devices(self) -> Iterator[Device]:
        yield Device("mlx", version("mlx"), mx.default_device().type.name, mx.zeros, mx.eval, np.asarray)

    def dtype(self, x: Array) -> str:
        return str(x.dtype).removeprefix("mlx.core.")

    def generator(self, x: Array, rng: Any) -> Generator | Seed:
        """MLX draws no float64, and decomposes no complex matrices: for these dtypes a key gives a seed."""
        is_key = isinstance(rng, mx.array) and rng.dtype == mx.uint32 and rng.shape == (2,)
        own = own_generator(rng, is_key, "an MLX array", "MLX's global state", "an MLX key (mx.random.key(0))")
        if x.dtype in (mx.float64, mx.complex64) and not isinstance(own, np.random.Generator):
            return Seed(tuple(np.asarray(mx.random.uniform(shape=(8,), key=own)).view(np.uint32).tolist()))
        return own

    def read(self, x: Array) -> Iterator[Array]:
        try:
            mx.eval(x)
        except ValueError as error:
            raise TypeError("under mx.compile and mx.vmap an array has no values: copy it outside of them") from error
        yield x
        yield np.asarray(x.astype(mx.float32) if x.dtype == mx.bfloat16 else x)

    def upload(self, x: Array, fill: Fill) -> Array:
        # This memory is new, so no other array shares it. The CPU alone has float64.
        memory = mx.zeros(x.shape, getattr(mx, memory_dtype(self.dtype(x)).replace("bool", "bool_")), stream=mx.cpu)
        fill.fill_memory(np.asarray(memory), self.dtype(x))
        return self.assign(x, memory.view(x.dtype))

    def copy(self, x: Array, source: Array) -> Array | None:
        return None if rounds_twice(self.dtype(source), self.dtype(x)) else self.assign(x, mx.array(source))

    def assign(self, x: Array, values: Array) -> Array:
        x[()] = values.astype(x.dtype, stream=mx.cpu if mx.float64 in (x.dtype, values.dtype) else None)
        return x

    def split(self, generator: Generator, count: int) -> list[Generator]:
        return [None] * count if generator is None else list(mx.random.split(generator, count))

    def uniform(self, x: Array, d: Uniform, generator: Generator) -> Array:
        return self.assign(x, mx.random.uniform(d.low, d.high, x.shape, x.dtype, generator))

    def normal(self, x: Array, d: Normal, generator: Generator) -> Array:
        return self.assign(x, mx.random.normal(x.shape, x.dtype, d.mean or None, d.std, generator))

    def quantile(self, _: Any, q: Array, /) -> Array:
        return mx.erfinv(2.0 * q) * 2.0**0.5

    def qr(self, matrix: Array, generator: Generator | Seed) -> Array:
        if matrix.shape[-2] < matrix.shape[-1]:
            return self.qr(matrix.swapaxes(-1, -2), generator).swapaxes(-1, -2)
        q, r = mx.linalg.qr(matrix, stream=mx.cpu)
        return mx.where(mx.diagonal(r, 0, -2, -1)[..., None, :] < 0, -q, q)


BACKEND = MLX()
