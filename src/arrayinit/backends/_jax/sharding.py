"""Where JAX arrays live. Each device generates its own shard, in the process that owns the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import compress
from operator import attrgetter
from typing import Any

import jax
import jax.core
import numpy as np

from arrayinit.backends._jax.checked import by_programs
from arrayinit.backends._numpy import BACKEND as HOST
from arrayinit.backends._numpy import DTYPE_NAMES
from arrayinit.backends.aligned import aligned
from arrayinit.backends.arguments import warn
from arrayinit.backends.protocol import Array
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.fill import Fill
from arrayinit.stream.box import Index, whole_index

Host = np.ndarray[Any, Any]
Shape = tuple[int, ...]
Sharding = Any

_WIDE = ("float64", "complex128", "int64", "uint64")


def on_device(x: Array, body: Callable[[Array], Array]) -> Array:
    """Call ``body`` with a struct, and return its result on the devices of ``x``.

    The struct has no sharding if the compiler is to choose one.
    """
    dtype = _available(x.dtype)
    if dtype != x.dtype:
        if not _is_narrowed(x):
            with jax.enable_x64(True):
                return on_device(x, body)
        # JAX's own words: JAX would warn at some of the operations only.
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
    # With explicit axes every intermediate type would have to state its sharding, and each device would compute all
    # values.
    explicit = [kind == jax.sharding.AxisType.Explicit for kind in stated.mesh.axis_types]
    automatic = jax.sharding.auto_axes(axes=tuple(compress(stated.mesh.axis_names, explicit)), out_sharding=stated)
    spec = (asked or stated).spec
    return automatic(lambda: jax.lax.with_sharding_constraint(body(struct()), spec))()


def dtype_of(x: Array) -> str:
    """Return the dtype as in `Backend`. Without x64, a wide dtype becomes the dtype that JAX gives a new array."""
    try:
        name = DTYPE_NAMES.get(x.dtype) or HOST.dtype(x)
    except AttributeError:
        raise TypeError(f"x is no array under its trace, but a {jax.typeof(x)}: fill the array in it") from None
    return str(_available(x.dtype)) if name in _WIDE and _is_narrowed(x) else name


def _is_narrowed(x: Array) -> bool:
    """Whether a result for ``x`` has 64 bits only under x64. An array made under x64 keeps its 64 bits without it."""
    return isinstance(x, jax.ShapeDtypeStruct) or is_traced(x)


def _available(dtype: Any) -> Any:
    return jax.dtypes.canonicalize_dtype(dtype, allow_extended_dtype=True)


def is_traced(x: Array) -> bool:
    """Whether the result for ``x`` is part of a program being traced.

    Under jit every computed value is a tracer, so this also detects a struct or a constant inside jit. It does not
    detect values that vmap and grad alone leave untraced. An untraced computation has nothing to compile.
    """
    return isinstance(x, jax.core.Tracer) or isinstance(jax.lax.stop_gradient(1.0), jax.core.Tracer)


def stated_sharding(x: Array) -> Sharding | None:
    """Return the sharding in the type of ``x``, if the mesh has explicit axes."""
    sharding = jax.typeof(x).sharding
    return sharding if jax.sharding.AxisType.Explicit in sharding.mesh.axis_types else None


def is_spread(x: Array) -> bool:
    """Whether the untraced struct ``x`` is to be sharded over several devices."""
    return x.sharding is not None and len(x.sharding.device_set) > 1


def is_of_processes(x: Array) -> bool:
    """Whether the untraced ``x`` has, or is to have, shards on devices of other processes."""
    sharding = _over_devices(_asked(x))
    return sharding is not None and not sharding.is_fully_addressable


def is_on_host(x: Array) -> bool:
    """Whether the untraced ``x`` lies, or is to lie, on CPUs only."""
    return {"cpu"}.issuperset(map(attrgetter("platform"), devices(x)))


def from_draw(x: Array, draw: Draw) -> Array:
    """Generate a draw on the devices of ``x``, or on the host. For a single device, the host's is a NumPy array."""
    if is_on_host(x) or 0 in x.shape:
        return from_boxes(x, draw)
    made = _on_devices(x, draw)
    return from_boxes(x, draw) if made is None else made


def from_boxes(x: Array, fill: Fill) -> Array:
    """Fill the shard of each CPU in host memory. For a single CPU, return a NumPy array."""

    def shard(values: Host, index: Index) -> Host:
        fill.fill_host(values, corner_of(index))
        return values

    return from_shards(x, shard)


def from_shards(x: Array, fill: Callable[[Host, Index], Host]) -> Array:
    """Return an array of which each shard is filled in host memory, or a NumPy array if ``x`` is not sharded."""
    shape = tuple(x.shape)
    if not is_spread(x):
        return fill(aligned(shape, x.dtype), whole_index(shape))
    part = x.sharding.shard_shape(shape)
    made: dict[Shape, Host] = {}

    def shard(index: Any) -> Host:
        corner = corner_of(index)
        # Several devices may hold the same shard.
        if corner not in made:
            box = tuple(slice(start, start + size) for start, size in zip(corner, part, strict=True))
            made[corner] = fill(aligned(part, x.dtype), box)
        return made[corner]

    return jax.make_array_from_callback(shape, x.sharding, shard, x.dtype)


def _on_devices(x: Array, draw: Draw) -> Array | None:
    """Return the array that XLA's programs compute, or None if they are wrong."""
    shape, is_one = tuple(x.shape), not is_spread(x)
    if is_one:
        corners: dict[Any, Shape] = {device: (0,) * len(shape) for device in devices(x)}
    else:
        held = x.sharding.addressable_devices_indices_map(shape)
        corners = {device: corner_of(index) for device, index in held.items()}
    made = by_programs(draw, corners, shape if is_one else x.sharding.shard_shape(shape))
    if made is None:
        return None
    if is_one:
        (whole,) = made.values()
        return jax.device_put(whole, x.sharding)
    memory = partial(jax.sharding.SingleDeviceSharding, memory_kind=x.sharding.memory_kind)
    parts = [jax.device_put(part, memory(device)) for device, part in made.items()]
    return jax.make_array_from_single_device_arrays(shape, x.sharding, parts)


def corner_of(index: tuple[slice, ...]) -> Shape:
    """Return where a shard begins."""
    return tuple(part.start or 0 for part in index)


def devices(x: Array) -> set[Any]:
    """Return the devices on which the untraced ``x`` lies, or is to lie."""
    if x.sharding is not None:
        return set(x.sharding.device_set)
    config: Any = jax.config
    default = config.jax_default_device
    return {default if isinstance(default, jax.Device) else jax.local_devices(backend=default)[0]}


def on_host(fill: Fill, shape: Sequence[int], dtype: Any, corner: Sequence[int] | None = None) -> Host:
    """Return a filled array, or a box of it."""
    values = aligned(shape, dtype)
    fill.fill_host(values, corner)
    return values


def _asked(x: Array) -> Sharding | None:
    """Return the sharding that ``x`` has or asks for; None if ``x`` is traced, or leaves the choice to JAX."""
    is_tracer = isinstance(x, jax.core.Tracer)
    sharding = jax.typeof(x).sharding if is_tracer else x.sharding
    if isinstance(sharding, jax.sharding.NamedSharding) and sharding.spec.unreduced:
        raise ValueError(f"x is sharded as {sharding.spec}, and is not summed yet: fill x before, or after the sum")
    return None if is_tracer else sharding


def _over_devices(sharding: Sharding | None) -> Sharding | None:
    """Return a sharding over the current mesh, if ``sharding`` has a mesh without devices, as from `jax.eval_shape`."""
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
    """Return a JAX or NumPy array with this sharding, if one is given."""
    if isinstance(values, jax.core.Tracer):
        # A compiled program without a mesh may choose its device.
        is_mesh = isinstance(sharding, jax.sharding.NamedSharding)
        return jax.lax.with_sharding_constraint(values, sharding) if is_mesh else values
    if isinstance(values, jax.Array) and sharding in (None, values.sharding):
        return values
    if sharding is None:
        return jax.device_put(values)
    if isinstance(values, np.ndarray) or (values.is_fully_addressable and not sharding.is_fully_addressable):
        # device_put takes twice as long, and would first compare the values with other processes.
        whole = np.asarray(values)
        return jax.make_array_from_callback(whole.shape, sharding, whole.__getitem__, whole.dtype)
    return jax.device_put(values, sharding)
