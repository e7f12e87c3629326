"""Copy into JAX arrays, and export JAX arrays to other libraries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from arrayinit.backends._jax.sharding import on_host
from arrayinit.backends.protocol import Array
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.rounding import BEYOND_NUMPY, BYTES, rounds_twice, within_53_bits
from arrayinit.kernels.table import Table
from arrayinit.kernels.xla import narrowed


def read(x: Array) -> Iterator[Array]:
    """Yield the array itself, for DLPack, then its values in a NumPy array."""
    _check_values(x)
    if isinstance(x, jax.core.Tracer):
        raise TypeError("a traced array has no values outside its trace")
    if not is_here(x):
        raise TypeError("other processes hold a part of its values")
    yield x
    yield np.asarray(x)


def copied(x: Array, source: Array) -> Array:
    """Return the values of a struct after a copy.

    NumPy copies on the CPU: XLA treats subnormal numbers as zero, and may read the memory of other libraries later.
    """
    _check_values(source)
    source = source[...] if _is_traced_ref(source) else source
    is_elsewhere = isinstance(source, jax.core.Tracer) or not is_here(source)
    if not is_elsewhere and (is_on_cpu(source) or rounds_twice(source.dtype.name, x.dtype.name)):
        return on_host(Table(np.asarray(source)), tuple(x.shape), x.dtype)
    values = jnp.array(source, copy=True) if source.dtype == x.dtype else rounded(source, x.dtype)
    return values if is_elsewhere else values.block_until_ready()


def is_here(x: Array) -> bool:
    """Whether this process holds all values of an array."""
    return isinstance(x, np.ndarray) or bool(x.is_fully_addressable or x.is_fully_replicated)


def is_on_cpu(x: Array) -> bool:
    """Whether all values of an array lie on CPUs."""
    return isinstance(x, np.ndarray) or all(device.platform == "cpu" for device in x.devices())


def rounded(x: Array, dtype: Any) -> Array:
    """Return numbers in ``dtype``, each rounded once by XLA, whose own conversion goes through float32.

    float16 needs no help: XLA converts float64 to float16 directly, and large integers overflow float16.
    """
    name = np.dtype(dtype).name
    if x.dtype == dtype or name not in BEYOND_NUMPY:
        return x.astype(dtype)
    form, is_wide = FORMATS[name], rounds_twice(x.dtype.name, name)
    with jax.enable_x64(True):
        near = within_53_bits(jnp, x).astype("float64") if is_wide else x.astype("float32")
        if name in BYTES:
            return narrowed(near, form)
        if is_wide:
            near = jax.lax.reduce_precision(near, exponent_bits=8, mantissa_bits=7)
        return near.astype(dtype)


def returned(x: Array, values: Array) -> Array:
    """Return the values for ``x``; if ``x`` is a traced reference, write them into it, and return it."""
    if not _is_traced_ref(x):
        return values
    x[...] = values
    return x


def _is_traced_ref(x: Array) -> bool:
    """Whether this is a `jax.Ref` under a trace, whose type is that of any traced array."""
    return isinstance(x, jax.core.Tracer) and isinstance(x, jax.Ref)


def _check_values(x: Array) -> None:
    if isinstance(x, jax.ShapeDtypeStruct):
        raise TypeError("a jax.ShapeDtypeStruct has no values")


def is_elsewhere(part: Any, x: Array) -> bool:
    """Whether both are arrays whose placements differ, so that XLA may refuse to compute with both."""
    are_arrays = all(isinstance(array, jax.Array) and not isinstance(array, jax.core.Tracer) for array in (part, x))
    return are_arrays and bool(part.committed) and part.sharding != x.sharding
