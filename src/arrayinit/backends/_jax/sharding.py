"""Where JAX arrays live: the shard of each device is made on its own, and in no process but the device's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import compress
from operator import attrgetter
from typing import Any

import jax
import jax.core
import numpy as np

from arrayinit.backends._numpy import BACKEND as HOST
from arrayinit.backends._numpy import DTYPE_NAMES
from arrayinit.backends.arguments import warn
from arrayinit.backends.protocol import Array
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.xla_boxes import boxes

Host = np.ndarray[Any, Any]
Shape = tuple[int, ...]
Sharding = Any

_ALIGNMENT = 64
_WIDE = ("float64", "complex128", "int64", "uint64")


def on_device(x: Array, body: Callable[[Array], Array]) -> Array:
    """Return what ``body`` makes of a struct, brought to the devices of ``x``.

    The struct has no sharding where the compiler is to choose one.
    """
    dtype = _available(x.dtype)
    if dtype != x.dtype:
        if not _is_narrowed(x):
            with jax.enable_x64(True):
                return on_device(x, body)
        # In the words of JAX, which would say so at some of the operations only.
        warn(
            f"Explicitly requested dtype {x.dtype} is not available, and will be truncated to dtype {dtype}. To "
            "enable more dtypes, set the jax_enable_x64 configuration option or the JAX_ENABLE_X64 shell environment "
            "variable."
        )
    struct, asked = partial(jax.ShapeDtypeStruct, tuple(x.shape), dtype), _asked(x)
    if not is_traced(x):
        sharding = _over_devices(asked)
        return _placed(body(struct(sharding=sharding)), sharding)
    stated = stated_sharding(x)
    if stated is None:
        return _placed(body(struct()), asked)
    # Else the types of all that is computed would have to say how it is cut, and each device would compute it all.
    explicit = [kind == jax.sharding.AxisType.Explicit for kind in stated.mesh.axis_types]
    automatic = jax.sharding.auto_axes(axes=tuple(compress(stated.mesh.axis_names, explicit)), out_sharding=stated)
    spec = (asked or stated).spec
    return automatic(lambda: jax.lax.with_sharding_constraint(body(struct()), spec))()


def dtype_of(x: Array) -> str:
    """As in `Backend`; without x64 a wide dtype becomes the one that JAX gives to a new array."""
    name = DTYPE_NAMES.get(x.dtype) or HOST.dtype(x)
    return str(_available(x.dtype)) if name in _WIDE and _is_narrowed(x) else name


def _is_narrowed(x: Array) -> bool:
    """Whether what is made of ``x`` has 64 bits with x64 only: an array that was made with x64 keeps them without."""
    return isinstance(x, jax.ShapeDtypeStruct) or is_traced(x)


def _available(dtype: Any) -> Any:
    return jax.dtypes.canonicalize_dtype(dtype, allow_extended_dtype=True)


def is_traced(x: Array) -> bool:
    """Whether what is made of ``x`` is a part of a program that is being traced.

    Under jit all that is computed is a tracer, so this also sees a struct or a constant used inside one. It does not
    see what vmap and grad alone leave untraced. Where nothing is traced the computation has nothing to compile.
    """
    return isinstance(x, jax.core.Tracer) or isinstance(jax.lax.stop_gradient(1.0), jax.core.Tracer)


def stated_sharding(x: Array) -> Sharding | None:
    """Return the sharding that the type of ``x`` states, as it does over the explicit axes of a mesh."""
    sharding = jax.typeof(x).sharding
    return sharding if jax.sharding.AxisType.Explicit in sharding.mesh.axis_types else None


def is_spread(x: Array) -> bool:
    """Whether ``x``, a struct that is not traced, is to lie on several devices."""
    return x.sharding is not None and len(x.sharding.device_set) > 1


def is_of_processes(x: Array) -> bool:
    """Whether ``x``, which is not traced, lies, or is to lie, on devices of other processes too."""
    sharding = _over_devices(_asked(x))
    return sharding is not None and not sharding.is_fully_addressable


def is_on_host(x: Array) -> bool:
    """Whether ``x``, which is not traced, lies, or is to lie, on CPUs."""
    return {"cpu"}.issuperset(map(attrgetter("platform"), _devices(x)))


def from_draw(x: Array, draw: Draw) -> Array:
    """Return what ``draw`` describes, on the devices of ``x``; but what is to lie on one CPU is NumPy's."""
    shape = tuple(x.shape)
    if not is_on_host(x) and 0 not in shape:
        return _on_devices(x, draw)
    if not is_spread(x):
        values = aligned(shape, x.dtype)
        draw.fill_host(values)
        return values
    part = x.sharding.shard_shape(shape)
    made: dict[Shape, Host] = {}

    def shard(index: Any) -> Host:
        corner = _corner(index)
        # Devices may hold the same.
        if corner not in made:
            made[corner] = _box(draw, corner, part, x.dtype)
        return made[corner]

    return jax.make_array_from_callback(shape, x.sharding, shard, x.dtype)


def _on_devices(x: Array, draw: Draw) -> Array:
    shape = tuple(x.shape)
    if not is_spread(x):
        (whole,) = boxes(draw, {device: (0,) * len(shape) for device in _devices(x)}, shape).values()
        return jax.device_put(whole, x.sharding)
    held = x.sharding.addressable_devices_indices_map(shape)
    made = boxes(draw, {device: _corner(index) for device, index in held.items()}, x.sharding.shard_shape(shape))
    memory = partial(jax.sharding.SingleDeviceSharding, memory_kind=x.sharding.memory_kind)
    parts = [jax.device_put(part, memory(device)) for device, part in made.items()]
    return jax.make_array_from_single_device_arrays(shape, x.sharding, parts)


def _corner(index: tuple[slice, ...]) -> Shape:
    return tuple(part.start or 0 for part in index)


def _devices(x: Array) -> set[Any]:
    """Return the devices that ``x``, which is not traced, lies on, or is to lie on."""
    if x.sharding is not None:
        return set(x.sharding.device_set)
    config: Any = jax.config
    default = config.jax_default_device
    return {default if isinstance(default, jax.Device) else jax.local_devices(backend=default)[0]}


def aligned(shape: Sequence[int], dtype: Any) -> Host:
    """Return memory that JAX on a CPU takes over as it is."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    values: Host = memory[start : start + size].view(dtype)
    return values.reshape(shape)


def _asked(x: Array) -> Sharding | None:
    """Return the sharding that ``x`` has, or asks for; None if it is traced, or leaves that to JAX."""
    is_tracer = isinstance(x, jax.core.Tracer)
    sharding = jax.typeof(x).sharding if is_tracer else x.sharding
    if isinstance(sharding, jax.sharding.NamedSharding) and sharding.spec.unreduced:
        raise ValueError(f"x is sharded as {sharding.spec}, of which the sum is x: fill x before it is so, or after")
    return None if is_tracer else sharding


def _over_devices(sharding: Sharding | None) -> Sharding | None:
    """Return a sharding over the mesh at hand, where it knows only one without devices, as of `jax.eval_shape`."""
    if not isinstance(sharding, jax.sharding.NamedSharding) or isinstance(sharding.mesh, jax.sharding.Mesh):
        return sharding
    mesh = jax.sharding.get_mesh()
    if mesh.shape != sharding.mesh.shape:
        raise ValueError(
            f"x is sharded over {sharding.mesh}, which has no devices: call within jax.set_mesh of a mesh of these "
            f"axes, not {mesh}"
        )
    return jax.sharding.NamedSharding(mesh, sharding.spec)


def _placed(values: Array, sharding: Sharding | None) -> Array:
    """Return ``values``, of JAX or of NumPy, with this sharding, where one is asked for."""
    if isinstance(values, jax.core.Tracer):
        # On one device the compiled program is free to choose which.
        is_mesh = isinstance(sharding, jax.sharding.NamedSharding)
        return jax.lax.with_sharding_constraint(values, sharding) if is_mesh else values
    if isinstance(values, jax.Array) and sharding in (None, values.sharding):
        return values
    if sharding is None:
        return jax.device_put(values)
    if isinstance(values, np.ndarray) or (values.is_fully_addressable and not sharding.is_fully_addressable):
        # device_put takes twice as long, and would first ask other processes whether they have the same.
        whole = np.asarray(values)
        return jax.make_array_from_callback(whole.shape, sharding, whole.__getitem__, whole.dtype)
    return jax.device_put(values, sharding)


def _box(draw: Draw, corner: Sequence[int], shape: Sequence[int], dtype: Any) -> Host:
    values = aligned(shape, dtype)
    draw.fill_host(values, corner)
    return values
