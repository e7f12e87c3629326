"""JAX: arrays cannot be written, so each method returns a new one, eagerly, under a trace, or from a struct."""

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

from arrayinit.backends.arguments import describe
from arrayinit.backends.decomposition import by_qr
from arrayinit.backends.jax_shards import (
    aligned,
    dtype_of,
    from_draw,
    is_of_processes,
    is_on_host,
    is_spread,
    is_traced,
    stated_sharding,
    where_it_lives,
)
from arrayinit.backends.native import Native
from arrayinit.backends.numpy import BACKEND as HOST
from arrayinit.backends.protocol import Array
from arrayinit.backends.xla import traced
from arrayinit.core.distributions import TRUNCATED_STD, Distribution, Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import Format
from arrayinit.core.truncation import Central, Extreme, Narrow, Tail, Truncation
from arrayinit.random.draws import Draw
from arrayinit.random.rounding import rounds_twice, within_53_bits
from arrayinit.random.seeds import KINDS

Key = Any


class Jax(Native):
    """Adapter for `jax.Array`, tracers and `jax.ShapeDtypeStruct`."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, (jax.Array, jax.core.Tracer, jax.ShapeDtypeStruct))

    def namespace(self, x: Array) -> Any:
        return jnp

    def dtype(self, x: Array) -> str:
        return dtype_of(x)

    def check_writable(self, x: Array) -> None:
        """JAX arrays are replaced, and never written."""

    def where_it_lives(self, x: Array, body: Callable[[Array], Array]) -> Array:
        return where_it_lives(x, body)

    def generator(self, x: Array, rng: Any) -> Key:
        if rng is None or isinstance(rng, np.random.Generator):
            if is_traced(x):
                raise ValueError(
                    f"rng={rng!r} under a JAX trace would bake one draw into the compiled program; pass a JAX key, "
                    "or an integer seed, which is meant to be the same in every run"
                )
            if rng is None and is_of_processes(x):
                raise ValueError(
                    "rng=None would give x, of which other processes hold a part, other values in each: pass an "
                    "integer seed, or the same JAX key in each"
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

    def fill(self, x: Array, value: complex) -> Array:
        """On one CPU NumPy fills, since XLA compiles for each shape anew."""
        if is_traced(x) or is_spread(x) or not is_on_host(x):
            return jnp.full(x.shape, value, x.dtype, device=x.sharding)
        values = aligned(x.shape, x.dtype)
        values.fill(value)
        return jax.device_put(values, x.sharding)

    def assign(self, x: Array, values: Array) -> Array:
        return values.astype(x.dtype)

    def exports(self, x: Array) -> Iterator[Array]:
        _check_values(x)
        if isinstance(x, jax.core.Tracer):
            raise TypeError("a traced array has no values outside its trace")
        if not _is_here(x):
            raise TypeError("other processes hold a part of its values")
        yield x
        yield np.asarray(x)

    def copy(self, x: Array, source: Array) -> Array:
        """On the CPU NumPy copies: XLA takes subnormal numbers for zero, and may read other libraries' memory later."""
        _check_values(source)
        if isinstance(source, jax.core.Tracer) or not _is_here(source):
            return jnp.array(_rounded_once(source, x.dtype), x.dtype, copy=True)
        if _is_on_cpu(source) or rounds_twice(source.dtype.name, x.dtype.name):
            return HOST.copy(aligned(tuple(x.shape), x.dtype), np.asarray(source))
        return jnp.array(source, x.dtype, copy=True).block_until_ready()

    def put(self, x: Array, index: tuple[Any, ...], value: Array | complex) -> Array:
        # What was made where the key is goes by the host.
        index, value = jax.tree.map(lambda part: np.asarray(part) if _is_apart(part, x) else part, (index, value))
        return x.at[index].set(jnp.asarray(value, x.dtype), out_sharding=stated_sharding(x))

    def arange(self, x: Array, count: int) -> Array:
        """On the host, where no arithmetic with them has to be compiled."""
        return np.arange(count)

    def host(self, x: Array) -> np.ndarray[Any, Any] | None:
        return None

    def portable(self, x: Array, draw: Draw) -> Array:
        """Traced, as a part of the program; eagerly by programs for any shape, or on CPUs by NumPy, without any."""
        if is_traced(x):
            return jnp.transpose(traced(draw), draw.inverse)
        return from_draw(x, draw)

    def from_host(self, x: Array, values: np.ndarray[Any, Any]) -> Array:
        """Left to `where_it_lives`, which sends no device more than its part."""
        return values

    def split(self, generator: Key, count: int) -> list[Key]:
        return list(jax.random.split(generator, count))

    def empty(self, x: Array, shape: tuple[int, ...], dtype: str) -> Array:
        return jax.ShapeDtypeStruct(shape, jnp.dtype(dtype))

    def subsets(self, x: Array, count: int, generator: Key) -> tuple[Array, Array]:
        order = jnp.argsort(jax.random.bits(generator, x.shape, jnp.uint32), axis=0)[:count]
        return order, jnp.arange(x.shape[1])

    # The operations of jax.random and jax.nn.initializers, in their order, so that the values are theirs, eagerly and
    # under jit; XLA folds the scale into the draw where it sees both, so a jit of our own would change them.
    def uniform(self, x: Array, d: Uniform, generator: Key) -> Array:
        if _has_variance(d, x.dtype):
            return jax.random.uniform(generator, x.shape, x.dtype, -1) * jnp.sqrt(3 * jnp.array(d.variance, x.dtype))
        return jax.random.uniform(generator, x.shape, x.dtype, d.low, d.high)

    def normal(self, x: Array, d: Normal, generator: Key) -> Array:
        std = jnp.sqrt(jnp.array(d.variance, x.dtype)) if _has_variance(d, x.dtype) else jnp.array(d.std, x.dtype)
        z = jax.random.normal(generator, x.shape, x.dtype) * std
        return z + jnp.array(d.mean, x.dtype) if d.mean else z

    def truncated(self, x: Array, d: TruncatedNormal, generator: Key) -> Array:
        if not _has_variance(d, x.dtype):
            return _truncated(generator, self.plan(d), shape=tuple(x.shape), dtype=x.dtype)
        std = jnp.sqrt(jnp.array(d.variance, x.dtype)) / jnp.array(TRUNCATED_STD, x.dtype)
        return jax.random.truncated_normal(generator, -2, 2, x.shape, x.dtype) * std

    def quantile(self, _: Any, q: Array, /) -> Array:
        return jax.lax.erf_inv(2.0 * q) * math.sqrt(2.0)

    def draw(self, x: Array, distribution: Distribution, generator: Key, form: Format) -> Array:
        # jax.random rounds the bounds to nearest: to clip there would change its values.
        if isinstance(distribution, Uniform) and not form.is_narrow:
            return jnp.minimum(self.uniform(x, distribution, generator), distribution.limits(form)[1])
        if isinstance(distribution, TruncatedNormal) and not form.is_narrow and _has_variance(distribution, x.dtype):
            return self.truncated(x, distribution, generator)
        return super().draw(x, distribution, generator, form)

    def orthonormal(self, matrix: Array, generator: Key) -> Array:
        """By NumPy where the values are in its memory."""
        if isinstance(matrix, jax.core.Tracer) or not (_is_here(matrix) and _is_on_cpu(matrix)):
            return by_qr(jnp, matrix)
        return HOST.orthonormal(np.asarray(matrix), generator)

    def join(self, real: Array, imaginary: Array) -> Array:
        return jax.lax.complex(real, imaginary)

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        return jnp.clip(x, *limits)


BACKEND = Jax()


for _plan in (Central, Tail, Extreme, Narrow):
    _names = [field.name for field in fields(_plan)]
    _static = [name for name in _names if name in ("mirrored", "slight")]
    jax.tree_util.register_dataclass(_plan, [name for name in _names if name not in _static], _static)


# One compilation for each shape, whatever the bounds.
@partial(jax.jit, static_argnames=("shape", "dtype"))
def _truncated(key: Key, plan: Truncation, *, shape: tuple[int, ...], dtype: Any) -> Array:
    return BACKEND.from_uniform(jax.random.uniform(key, shape, dtype), plan)


def _has_variance(d: Uniform | Normal | TruncatedNormal, dtype: Any) -> bool:
    """Whether the scale follows from a variance that, as JAX computes with it, neither overflows nor vanishes."""
    held = jnp.finfo(dtype)
    return d.variance is not None and float(held.tiny) <= d.variance <= float(held.max) / 3


def _rounded_once(x: Array, dtype: Any) -> Array:
    """Return numbers that XLA's conversion, which goes by way of float32, rounds to ``dtype`` once.

    float16 needs no help: XLA converts to it from float64 itself, and has no large integers.
    """
    if dtype != jnp.bfloat16 or not rounds_twice(x.dtype.name, "bfloat16"):
        return x
    with jax.enable_x64(True):
        exact = within_53_bits(jnp, x).astype(jnp.float64)
        return jax.lax.reduce_precision(exact, exponent_bits=8, mantissa_bits=7)


def _is_apart(part: Any, x: Array) -> bool:
    """Whether both are arrays, and placed so that XLA may refuse to compute with both."""
    are_arrays = all(isinstance(array, jax.Array) and not isinstance(array, jax.core.Tracer) for array in (part, x))
    return are_arrays and bool(part.committed) and part.sharding != x.sharding


def _is_here(x: Array) -> bool:
    """Whether this process has all values of an array."""
    return isinstance(x, np.ndarray) or bool(x.is_fully_addressable or x.is_fully_replicated)


def _is_on_cpu(x: Array) -> bool:
    return isinstance(x, np.ndarray) or all(device.platform == "cpu" for device in x.devices())


def _check_values(x: Array) -> None:
    if isinstance(x, jax.ShapeDtypeStruct):
        raise TypeError("a jax.ShapeDtypeStruct has no values")


def _fresh_key() -> Key:
    # Two words, since without x64 jax.random.key takes one.
    return jax.random.fold_in(jax.random.key(secrets.randbits(31)), secrets.randbits(31))
