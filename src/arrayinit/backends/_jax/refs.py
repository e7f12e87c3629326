"""References of JAX, which are written in place: ``ref[...] = values``."""

from __future__ import annotations

from typing import Any

import jax

from arrayinit.backends.container import Container
from arrayinit.backends.protocol import Array


class Refs(Container):
    """Adapter for `jax.Ref`. Under a trace, a reference has the type of a tracer, and JAX's own adapter writes it."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, jax.Ref)

    def held(self, x: Any) -> Array:
        return x[...]

    def like(self, x: Any) -> Array:
        # A read would copy all of it.
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding)

    def hold(self, x: Any, values: Array) -> None:
        x[...] = values


BACKEND = Refs()
