"""JAX: immutable arrays. Each method returns a new array: eagerly, under a trace, or from a struct."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from arrayinit.backends._jax import at_once, pieces
from arrayinit.backends._jax.copies import copied, is_elsewhere, is_here, is_on_cpu, read, returned, rounded
from arrayinit.backends._jax.sharding import (
    dtype_of,
    from_draw,
    from_shards,
    is_of_processes,
    is_on_host,
    is_spread,
    is_traced,
    on_device,
    on_host,
    stated_sharding,
)
from arrayinit.backends._numpy import BACKEND as HOST
from arrayinit.backends.arguments import describe
from arrayinit.backends.computed import Computed
from arrayinit.backends.decomposition import by_qr
from arrayinit.backends.device import Device
from arrayinit.backends.native import NativeBackend
from arrayinit.backends.protocol import Array, Replaced, Sharded
from arrayinit.core.distributions import TRUNCATED_STD, Distribution, Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FloatFormat
from arrayinit.core.truncation import Central, Extreme, Narrow, Tail, Truncation
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.fill import Constant, Fill, Identity
from arrayinit.kernels.pieces import Pieces
from arrayinit.kernels.table import Table
from arrayinit.kernels.xla import traced
from arrayinit.stream.box import Index, whole_index
from arrayinit.stream.seed import KINDS, Seed

Key = Any


class Jax(NativeBackend, Sharded, Replaced):
    """Adapter for `jax.Array`, tracers and `jax.ShapeDtypeStruct`."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, (jax.Array, jax.core.Tracer, jax.ShapeDtypeStruct))

    def devices(self) -> Iterator[Device]:
        devices = jax.devices()
        if devices[0].platform != "cpu":
            devices = [*jax.devices("cpu"), *devices]
        for device in devices:
            sharding = jax.sharding.SingleDeviceSharding(device)
            yield Device(
                "jax",
                jax.__version__,
                f"{device.platform}:{device.id}",
                partial(jax.ShapeDtypeStruct, dtype=np.float32, sharding=sharding),
                jax.block_until_ready,
                np.asarray,
                compiles=True,
            )

    def namespace(self, x: Array) -> Any:
        return jnp

    # The functions themselves, since methods that call them take longer.
    dtype = staticmethod(dtype_of)  # pyright: ignore[reportAssignmentType]
    kind = staticmethod(at_once.kind)  # pyright: ignore[reportAssignmentType]
    fill_at_once = staticmethod(at_once.fill_at_once)  # pyright: ignore[reportAssignmentType]

    def generator(self, x: Array, rng: Any) -> Key:
        if rng is None or isinstance(rng, np.random.Generator):
            if is_traced(x):
                raise ValueError(
                    f"rng={rng!r} under a JAX trace would draw only once, for all calls of the compiled program; pass "
                    "a JAX key, or an integer seed, which is meant to be the same in every run"
                )
            if rng is None and is_of_processes(x):
                raise ValueError(
                    "several processes share x, and rng=None would draw different values in each: pass an integer "
                    "seed, or the same JAX key in each process"
                )
            return _fresh_key() if rng is None else rng
        if isinstance(rng, jax.Array):
            is_typed = jax.dtypes.issubdtype(rng.dtype, jax.dtypes.prng_key)
            if is_typed and rng.shape:
                raise TypeError(f"rng must be one JAX key, got keys of shape {rng.shape}: index them, or use jax.vmap")
            if is_typed or (rng.dtype == jnp.uint32 and rng.shape in ((2,), (4,))):
                return rng
        raise TypeError(
            f"rng for a JAX array must be None (fresh entropy), {KINDS}, a JAX key (jax.random.key(0)) "
            f"or a numpy.random.Generator, got {describe(rng)}"
        )

    def read(self, x: Array) -> Iterator[Array]:
        return read(x)

    def write(self, x: Array, fill: Fill) -> Array:
        return returned(x, on_device(x, lambda target: self._filled(target, fill)))

    def by_shard(self, x: Array, fill: Callable[[Array, Index], Array]) -> Array:
        if is_traced(x):
            return fill(x, whole_index(x.shape))
        return on_device(x, lambda target: from_shards(target, fill))

    def _filled(self, x: Array, fill: Fill) -> Array:
        """Return the values for a struct, in a JAX or NumPy array, not yet on the devices of the struct."""
        if isinstance(fill, Draw):
            # A traced draw joins the program. An eager draw runs programs for any shape, or NumPy on a CPU.
            return jnp.transpose(traced(fill), fill.inverse) if is_traced(x) else from_draw(x, fill)
        if isinstance(fill, Table):
            return copied(x, fill.values)
        if isinstance(fill, Computed):
            return self.assign(x, fill.on_host()) if fill.is_of_numpy else fill.compute(self, x)
        if isinstance(fill, Pieces):
            return pieces.filled(x, fill, self._filled)
        return self._constant(x, fill)

    def kept(self, x: Array, fill: Pieces) -> Array:
        return jnp.where(fill.kept(x.shape), x, self.write(x, fill.with_zeros()))

    def _constant(self, x: Array, fill: Fill) -> Array:
        """NumPy fills arrays on one CPU, since XLA would compile for each shape."""
        if not (is_traced(x) or is_spread(x)) and is_on_host(x):
            return jax.device_put(on_host(fill, x.shape, x.dtype), x.sharding)
        if isinstance(fill, Identity):
            blank = jnp.zeros(x.shape, x.dtype, device=x.sharding)
            # The index is computed on the host, where no arithmetic has to be compiled.
            return self.set_at(blank, fill.index(np.arange(fill.count)), fill.value) if fill.count else blank
        assert isinstance(fill, Constant), fill
        return jnp.full(x.shape, fill.value, x.dtype, device=x.sharding)

    def assign(self, x: Array, values: Array) -> Array:
        if isinstance(values, np.ndarray):
            return on_host(Table(values), tuple(x.shape), x.dtype)
        return rounded(values, x.dtype)

    def set_at(self, x: Array, index: tuple[Any, ...], value: Array | complex) -> Array:
        # An index or value made on the key's devices goes through the host.
        index, value = jax.tree.map(lambda part: np.asarray(part) if is_elsewhere(part, x) else part, (index, value))
        return x.at[index].set(jnp.asarray(value, x.dtype), out_sharding=stated_sharding(x))

    def split(self, generator: Key, count: int) -> list[Key]:
        return list(jax.random.split(generator, count))

    def empty(self, x: Array, shape: tuple[int, ...], dtype: str) -> Array:
        return jax.ShapeDtypeStruct(shape, jnp.dtype(dtype))

    def subsets(self, x: Array, count: int, generator: Key) -> tuple[Array, Array]:
        order = jnp.argsort(jax.random.bits(generator, x.shape, jnp.uint32), axis=0)[:count]
        return order, jnp.arange(x.shape[1])

    # The operations of jax.random and jax.nn.initializers, in their order: the values equal JAX's, eagerly and under
    # jit. A jit of our own would change the values, since XLA folds the scale into the draw where it sees both.
    def uniform(self, x: Array, d: Uniform, generator: Key) -> Array:
        if _has_variance(d, x.dtype):
            return jax.random.uniform(generator, x.shape, x.dtype, -1) * jnp.sqrt(3 * jnp.array(d.variance, x.dtype))
        return jax.random.uniform(generator, x.shape, x.dtype, d.low, d.high)

    def normal(self, x: Array, d: Normal, generator: Key) -> Array:
        std = jnp.sqrt(jnp.array(d.variance, x.dtype)) if _has_variance(d, x.dtype) else jnp.array(d.std, x.dtype)
        z = jax.random.normal(generator, x.shape, x.dtype) * std
        return z + jnp.array(d.mean, x.dtype) if d.mean else z

    def truncated(self, x: Array, d: TruncatedNormal, generator: Key) -> Array:
        if _has_variance(d, x.dtype):
            std = jnp.sqrt(jnp.array(d.variance, x.dtype)) / jnp.array(TRUNCATED_STD, x.dtype)
        elif d.mean == 0 and d.high == -d.low == 2 * d.std:
            std = jnp.array(d.std, x.dtype)
        else:
            return _truncated(generator, self.plan(d), shape=tuple(x.shape), dtype=x.dtype)
        return jax.random.truncated_normal(generator, -2, 2, x.shape, x.dtype) * std

    def quantile(self, _: Any, q: Array, /) -> Array:
        return jax.lax.erf_inv(2.0 * q) * math.sqrt(2.0)

    def draw(self, x: Array, distribution: Distribution, generator: Key, dtype: FloatFormat) -> Array:
        # jax.random rounds the bounds to nearest, so clipping to the lower one would change its values.
        if isinstance(distribution, Uniform) and not dtype.is_narrow:
            return jnp.minimum(self.uniform(x, distribution, generator), distribution.limits(dtype)[1])
        if isinstance(distribution, TruncatedNormal) and not dtype.is_narrow and _has_variance(distribution, x.dtype):
            return self.truncated(x, distribution, generator)
        return super().draw(x, distribution, generator, dtype)

    def matrix(self, x: Array, shape: tuple[int, ...], generator: Key, dtype: FloatFormat) -> Array:
        # JAX draws the transpose of a matrix that is not tall, and decomposes it.
        *batch, rows, columns = shape
        if rows > columns:
            return super().matrix(x, shape, generator, dtype)
        return jnp.matrix_transpose(super().matrix(x, (*batch, columns, rows), generator, dtype))

    def qr(self, matrix: Array, generator: Key | Seed) -> Array:
        """Give JAX's bits for a key. From a seed, NumPy decomposes a matrix whose values lie in host memory."""
        if not isinstance(generator, Seed):
            return _as_jax_does(matrix)
        if isinstance(matrix, jax.core.Tracer) or not (is_here(matrix) and is_on_cpu(matrix)):
            return by_qr(jnp, matrix)
        return HOST.qr(np.asarray(matrix), generator)

    def join(self, real: Array, imaginary: Array) -> Array:
        return jax.lax.complex(real, imaginary)

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        return jnp.clip(x, *limits)


BACKEND = Jax()


for _plan in (Central, Tail, Extreme, Narrow):
    _names = [field.name for field in fields(_plan)]
    _static = [name for name in _names if name in ("mirrored", "use_series")]
    jax.tree_util.register_dataclass(_plan, [name for name in _names if name not in _static], _static)


# jit compiles once for each shape, whatever the bounds.
@partial(jax.jit, static_argnames=("shape", "dtype"))
def _truncated(key: Key, plan: Truncation, *, shape: tuple[int, ...], dtype: Any) -> Array:
    return BACKEND.from_uniform(jax.random.uniform(key, shape, dtype), plan)


# One program, since each operation would be compiled for each shape.
@partial(jax.jit)
def _as_jax_does(matrix: Array) -> Array:
    is_square = matrix.shape[-2] == matrix.shape[-1]
    return jnp.matrix_transpose(by_qr(jnp, jnp.matrix_transpose(matrix))) if is_square else by_qr(jnp, matrix)


def _has_variance(d: Uniform | Normal | TruncatedNormal, dtype: Any) -> bool:
    """Whether the scale comes from a variance that neither overflows nor vanishes in JAX's computation."""
    held = jnp.finfo(dtype)
    return d.variance is not None and float(held.tiny) <= d.variance <= float(held.max) / 3


def _fresh_key() -> Key:
    # Two 31-bit words: without x64, jax.random.key takes one word.
    return jax.random.fold_in(jax.random.key(secrets.randbits(31)), secrets.randbits(31))
