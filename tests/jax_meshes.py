"""The meshes of eight devices that the JAX tests cut arrays over, and how they compare the parts."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from libraries import Library
from portable_calls import same_bits

with suppress(ImportError):
    import jax
    from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

SHAPE = (40, 48)
FILLS = ["uniform_", "kaiming_normal_", "trunc_normal_(a=2.0, b=3.0)", "sparse_"]
SPECS: list[tuple[tuple[int, ...], tuple[Any, ...]]] = [
    ((8,), ("a",)),
    ((8,), (None, "a")),
    ((8,), ()),
    *(
        (mesh, spec)
        for mesh in ((2, 4), (4, 2))
        for spec in (("a",), (None, "a"), (None, "b"), ("a", "b"), ("b", "a"), (("a", "b"),), (None, ("a", "b")), ())
    ),
]
every_spec = pytest.mark.parametrize(("mesh", "spec"), SPECS, ids=str)


def placed(mesh: tuple[int, ...], spec: tuple[Any, ...], kind: str = "Auto", **options: Any) -> Any:
    devices = np.array(jax.devices("cpu")).reshape(mesh)
    names = ("a", "b")[: len(mesh)]
    whole = Mesh(devices, names, axis_types=(getattr(AxisType, kind),) * len(mesh))
    return NamedSharding(whole, PartitionSpec(*spec), **options)


def parts(sharding: Any, shape: tuple[int, ...] = SHAPE) -> int:
    """Return into how many different parts an array is cut."""
    return int(np.prod(shape)) // int(np.prod(sharding.shard_shape(shape)))


def same_shards(x: Any, whole: np.ndarray, library: Library) -> None:
    """Raise AssertionError unless each device holds its own part of the whole, in every bit."""
    assert len(x.addressable_shards) == len(jax.devices("cpu"))
    for shard in x.addressable_shards:
        same_bits(library.to_numpy(shard.data), whole[shard.index], x.dtype.name)
