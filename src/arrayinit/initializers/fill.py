"""The one way down from a public function to a backend: check, resolve rng, and write a fill."""

from __future__ import annotations

import warnings
from typing import Any

from arrayinit.backends.arguments import as_generator
from arrayinit.backends.protocol import Array, Backend, Generator
from arrayinit.backends.registry import backend_of
from arrayinit.core.distributions import Distribution, Law
from arrayinit.core.dtypes import FloatFormat, floating
from arrayinit.core.fans import fans
from arrayinit.core.layouts import parse
from arrayinit.kernels.fill import Fill
from arrayinit.stream.seed import Seed, seed_of


def draw(x: Array, law: Law, rng: Any, layout: str | None = None) -> Array:
    """Fill ``x`` with independent draws; a seed draws in the order of the default layout."""
    backend = backend_of(x)
    dtype = floating(backend.dtype(x))
    distribution: Distribution = law.circular() if dtype.is_complex else law
    distribution.check_range(dtype)
    source = source_of(backend, x, rng)
    backend.check_writable(x)
    shape = tuple(x.shape)
    order = tuple(range(len(shape))) if layout is None or 0 in shape else parse(layout, shape).canonical
    return backend.write(x, _drawn(distribution, source, dtype, shape, order))


def _drawn(
    distribution: Distribution,
    source: Generator | Seed,
    dtype: FloatFormat,
    shape: tuple[int, ...],
    order: tuple[int, ...],
) -> Fill:
    # Imported here: arrayinit may never draw, and numpy.random takes as long as all of it.
    if isinstance(source, Seed):
        from arrayinit.kernels.draw import Draw

        return Draw(distribution, source, dtype, tuple([shape[k] for k in order]), order)
    from arrayinit.backends.computed import NativeDraw

    return NativeDraw(source, shape, dtype, distribution)


def source_of(backend: Backend, x: Array, rng: Any) -> Generator | Seed:
    """Return the seed that ``rng`` is, or the generator that it means for ``x``."""
    if rng is None:
        return backend.generator(x, None)
    seed = seed_of(rng)
    return backend.generator(x, as_generator(rng)) if seed is None else seed


def write(x: Array, fill: Fill) -> Array:
    """Fill ``x`` if it can be written or replaced."""
    backend = backend_of(x)
    backend.check_writable(x)
    return backend.write(x, fill)


def fans_of(x: Array, layout: str, groups: int) -> tuple[int, int]:
    """Return (fan_in, fan_out) of ``x``. For an empty ``x``, warn and return (1, 1)."""
    backend = backend_of(x)
    try:
        shape = x.shape
        if 0 not in shape:
            found = fans(shape, layout, groups)
            if type(found[0]) is not int or type(found[1]) is not int:
                backend.dtype(x)
            return found
    except (AttributeError, RuntimeError):
        # The backend knows of arrays that have no sizes, as nested tensors.
        backend.dtype(x)
        raise
    # As in torch, an empty bias passes.
    if len(shape) > 1:
        fans(shape, layout, groups)
    # The level of the caller of the public function, which calls this one.
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return 1, 1
