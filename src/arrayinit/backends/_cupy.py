"""CuPy: its global state or its Generator, on the device of the array."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import array_api_compat.cupy as xp
import cupy
import numpy as np
from cupyx.scipy.special import erfinv

from arrayinit.backends._numpy import parts
from arrayinit.backends.arguments import describe, overlaps
from arrayinit.backends.native import Native
from arrayinit.backends.protocol import Array, Generator
from arrayinit.core.distributions import Normal, Uniform
from arrayinit.kernels._cupy import write
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.rounding import rounds_twice, to_odd
from arrayinit.stream.seed import KINDS


class CuPy(Native):
    """Adapter for `cupy.ndarray`."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, cupy.ndarray)

    def namespace(self, x: Array) -> Any:
        return xp

    def dtype(self, x: Array) -> str:
        return str(x.dtype.name)

    def check_writable(self, x: Array) -> None:
        """CuPy has no read-only arrays."""
        if x.size and not x.flags.forc and overlaps(x.strides, x.shape, x.itemsize):
            raise ValueError(f"elements of x, of shape {x.shape}, share a single memory location: pass x.copy()")

    def where_it_lives(self, x: Array, body: Callable[[Array], Array]) -> Array:
        with x.device:
            return body(x)

    def generator(self, x: Array, rng: Any) -> Generator:
        """None is CuPy's global state on the device of ``x``."""
        if rng is None:
            with x.device:
                return cupy.random.get_random_state()
        if isinstance(rng, (cupy.random.Generator, cupy.random.RandomState, np.random.Generator)):
            return rng
        raise TypeError(
            f"rng for a CuPy array must be None (CuPy's global state), {KINDS}, a cupy.random.Generator or "
            f"RandomState, or a numpy.random.Generator, got {describe(rng)}"
        )

    def fill(self, x: Array, value: complex) -> Array:
        x[...] = x.dtype.type(value)
        return x

    def assign(self, x: Array, values: Array) -> Array:
        if values is not x:
            cupy.copyto(x, values, casting="unsafe")
        return x

    def exports(self, x: Array) -> Iterator[Array]:
        with x.device:
            # torch aborts on negative strides.
            yield cupy.ascontiguousarray(x) if any(step < 0 for step in x.strides) else x
            yield cupy.asnumpy(x)

    def copy(self, x: Array, source: Array) -> Array:
        if isinstance(source, np.ndarray):
            for index, part in parts(source, self.dtype(x)):
                x[index] = cupy.asarray(part)
            return x
        values = source.copy() if cupy.may_share_memory(x, source) else source
        if rounds_twice(self.dtype(source), self.dtype(x)):
            values = to_odd(xp, cupy.ascontiguousarray(values))
        return self.assign(x, values)

    def put(self, x: Array, index: tuple[Any, ...], value: Array | complex) -> Array:
        x[index] = value
        return x

    def arange(self, x: Array, count: int) -> Array:
        return cupy.arange(count)

    def host(self, x: Array) -> np.ndarray[Any, Any] | None:
        return None

    def portable(self, x: Array, draw: Draw) -> Array:
        if cupy.cuda.runtime.is_hip:
            # What AMD's compiler knows nothing of is made on the host.
            for index, values in draw.chunks():
                x[index] = cupy.asarray(values)
        else:
            write(x, draw)
        return x

    def from_host(self, x: Array, values: np.ndarray[Any, Any]) -> Array:
        return cupy.asarray(values)

    def split(self, generator: Generator, count: int) -> list[Generator]:
        """Consecutive draws are independent."""
        return [generator] * count

    def empty(self, x: Array, shape: tuple[int, ...], dtype: str) -> Array:
        return cupy.empty(shape, dtype)

    def subsets(self, x: Array, count: int, generator: Generator) -> tuple[Array, Array]:
        keys = self.uniform(cupy.empty(x.shape, "float64"), Uniform(0.0, 1.0), generator)
        order = cupy.argsort(keys, axis=0)[:count]
        return order, cupy.arange(x.shape[1])

    def uniform(self, x: Array, d: Uniform, generator: Generator) -> Array:
        if isinstance(generator, cupy.random.RandomState):
            u = generator.random_sample(x.shape, x.dtype)
        else:
            u = generator.random(x.shape, x.dtype)
        cupy.multiply(u, d.high - d.low, out=x)
        x += d.low
        return x

    def normal(self, x: Array, d: Normal, generator: Generator) -> Array:
        cupy.multiply(generator.standard_normal(x.shape, x.dtype), d.std, out=x)
        x += d.mean
        return x

    def quantile(self, _: Any, q: Array, /) -> Array:
        q *= 2.0
        erfinv(q, out=q)
        q *= math.sqrt(2.0)
        return q

    def join(self, real: Array, imaginary: Array) -> Array:
        z = cupy.empty(real.shape, cupy.result_type(real.dtype, cupy.complex64))
        z.real, z.imag = real, imaginary
        return z

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        return cupy.clip(x, *limits, out=x)


BACKEND = CuPy()
