"""The short way to an array on one CPU, outside of any trace."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from functools import cache
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from arrayinit.backends._jax.sharding import devices, is_on_host, is_traced
from arrayinit.backends.aligned import aligned
from arrayinit.backends.protocol import Array, Prepared
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.rounding import memory_dtype
from arrayinit.stream import extension
from arrayinit.stream.seed import SEEDS

# JAX may rename what is not public. Then each call takes the public way, and ten times as long.
try:
    from jax._src.core import trace_state_clean
except ImportError:

    def trace_state_clean() -> bool:
        """Whether no transformation of JAX is running."""
        return not is_traced(0.0)


try:
    from jax._src.interpreters.pxla import batched_device_put
except ImportError:
    batched_device_put = None


_WIDE = ("float64", "complex128")
_ONE = jax.sharding.SingleDeviceSharding

# Whether the dtypes of 64 bits exist is up to x64.
_MEMORY = {jnp.dtype(name): np.dtype(memory_dtype(name)) for name, form in FORMATS.items() if form.compute not in _WIDE}


def kind(x: Array) -> Hashable:
    """Return the shape and dtype of an array, or struct, on one CPU, if no transformation is running; else None."""
    if isinstance(x, jax.core.Tracer) or x.dtype not in _MEMORY or not trace_state_clean():
        return None
    one = x.sharding is None or (type(x.sharding) is _ONE and x.sharding.memory_kind == "device")
    return (x.shape, x.dtype) if one and is_on_host(x) else None


def fill_at_once(x: Array, prepared: Prepared, source: Any) -> Array | None:
    """Fill memory of the host, and let JAX take it over: nothing is compiled, and nothing is copied."""
    core = extension.core()
    if core is None or prepared.law is None or type(source) not in SEEDS:
        return None
    values = aligned(x.shape, x.dtype)
    core.fill_at_once(prepared.law, source, values.view(_MEMORY[x.dtype]), prepared.order)
    if x.sharding is None:
        return uncommitted(values, *devices(x))
    return jax.make_array_from_callback(x.shape, x.sharding, lambda _: values, x.dtype)


def uncommitted(values: Any, device: Any) -> Array:
    """Return an array on the default device that JAX may move to another one."""
    if batched_device_put is not None:
        aval = jax.core.ShapedArray(values.shape, values.dtype)
        # JAX may change the arguments too.
        with suppress(TypeError):
            made = batched_device_put(aval, _one(device), [values], [device], committed=False)
            return made if isinstance(made, jax.Array) else jax.device_put(values)
    return jax.device_put(values)


_one = cache(_ONE)
