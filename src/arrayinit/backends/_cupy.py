"""CuPy: draws by its global state or its Generator, on the device of the array."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import array_api_compat.cupy as xp
import cupy
import numpy as np
from cupyx.scipy.special import erfinv

from arrayinit.backends import first_use
from arrayinit.backends.arguments import overlaps, own_generator
from arrayinit.backends.computed import Computed
from arrayinit.backends.decomposition import by_blocks
from arrayinit.backends.device import Device
from arrayinit.backends.native import NativeBackend
from arrayinit.backends.protocol import Array, Generator, InPlace
from arrayinit.core.distributions import Normal, Uniform
from arrayinit.kernels._cupy import fill_device
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.fill import Constant, Fill, Identity
from arrayinit.kernels.pieces import Pieces
from arrayinit.kernels.rounding import rounds_twice, to_odd
from arrayinit.kernels.table import Table
from arrayinit.stream.seed import Seed


class CuPy(NativeBackend, InPlace):
    """Adapter for `cupy.ndarray`."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, cupy.ndarray)

    def devices(self) -> Iterator[Device]:
        try:
            count = cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError:
            return

        def empty(shape: tuple[int, ...], device: int) -> Any:
            with cupy.cuda.Device(device):
                return cupy.empty(shape, cupy.float32)

        for i in range(count):
            yield Device(
                "cupy",
                cupy.__version__,
                f"cuda:{i}",
                partial(empty, device=i),
                lambda x: x.device.synchronize(),
                cupy.asnumpy,
                compiles=True,
            )

    def namespace(self, x: Array) -> Any:
        return xp

    def dtype(self, x: Array) -> str:
        return str(x.dtype.name)

    def check_writable(self, x: Array) -> None:
        """CuPy has no read-only arrays."""
        if x.size and not x.flags.forc and overlaps(x.strides, x.shape, x.itemsize):
            raise ValueError(f"elements of x, of shape {x.shape}, share a single memory location: pass x.copy()")

    def generator(self, x: Array, rng: Any) -> Generator:
        """``rng=None`` means CuPy's global state on the device of ``x``."""
        if rng is None:
            with x.device:
                return cupy.random.get_random_state()
        is_own = isinstance(rng, (cupy.random.Generator, cupy.random.RandomState))
        kinds = "a cupy.random.Generator or RandomState"
        return own_generator(rng, is_own, "a CuPy array", "CuPy's global state", kinds)

    def read(self, x: Array) -> Iterator[Array]:
        with x.device:
            # torch aborts on negative strides.
            yield cupy.ascontiguousarray(x) if any(step < 0 for step in x.strides) else x
            yield cupy.asnumpy(x)

    def write(self, x: Array, fill: Fill) -> Array:
        with x.device:
            if isinstance(fill, Draw) and self._has_kernel(x, fill):
                fill_device(x, fill)
            elif isinstance(fill, Constant):
                x[...] = x.dtype.type(fill.value)
            elif isinstance(fill, Identity):
                x[...] = x.dtype.type(0)
                if fill.count:
                    x[fill.index(cupy.arange(fill.count))] = fill.value
            elif isinstance(fill, Table) and not isinstance(fill.values, np.ndarray):
                self._copy(x, fill.values)
            elif isinstance(fill, Computed) and not fill.is_of_numpy:
                fill.compute(self, x)
            elif isinstance(fill, Pieces):
                for place, piece in fill.placed():
                    self.write(x[place], piece)
            else:
                for index, chunk in fill.chunks(x.shape, self.dtype(x)):
                    x[index] = cupy.asarray(chunk)
        return x

    def _has_kernel(self, x: Array, draw: Draw) -> bool:
        """Whether a kernel gives a draw the bits of the host, by a check at its first use on this device."""
        # AMD's compiler does not know the kernel's instructions.
        if cupy.cuda.runtime.is_hip:
            return False

        def sample(small: Draw) -> bytes | None:
            # Nothing may wait while a CUDA graph is captured.
            if cupy.cuda.get_current_stream().is_capturing():
                return None
            try:
                values = cupy.empty(small.shape, x.dtype)
                fill_device(values, small)
                memory: bytes = cupy.asnumpy(values).tobytes()
            except cupy.cuda.memory.OutOfMemoryError:
                return None
            return memory

        return first_use.is_right(f"CuPy's kernel on cuda:{x.device.id}", draw, sample) is not False

    def _copy(self, x: Array, source: Array) -> Array:
        values = source.copy() if cupy.may_share_memory(x, source) else source
        if rounds_twice(self.dtype(source), self.dtype(x)):
            values = to_odd(xp, cupy.ascontiguousarray(values))
        return self.assign(x, values)

    def assign(self, x: Array, values: Array) -> Array:
        if values is not x:
            cupy.copyto(x, values, casting="unsafe")
        return x

    def empty(self, x: Array, shape: tuple[int, ...], dtype: str) -> Array:
        return cupy.empty(shape, dtype)

    def subsets(self, x: Array, count: int, generator: Generator) -> tuple[Array, Array]:
        keys = self.uniform(cupy.empty(x.shape, "float64"), Uniform(0.0, 1.0), generator)
        order = cupy.argsort(keys, axis=0)[:count]
        return order, cupy.arange(x.shape[1])

    def qr(self, matrix: Array, generator: Generator | Seed) -> Array:
        return by_blocks(xp, matrix)

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

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        return cupy.clip(x, *limits, out=x)


BACKEND = CuPy()
