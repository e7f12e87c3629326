"""The path from a public function to a backend: check the arguments, resolve rng, and write a fill."""

from __future__ import annotations

from typing import Any

from arrayinit.backends.arguments import as_generator, warn
from arrayinit.backends.protocol import Array, Backend, Generator
from arrayinit.backends.registry import backend_of, known_backend
from arrayinit.core.distributions import Distribution, RealDistribution
from arrayinit.core.dtypes import FORMATS, floating
from arrayinit.core.layouts import fans, parse
from arrayinit.kernels.fill import Fill
from arrayinit.stream.seed import Seed, seed_of


def draw(x: Array, distribution: RealDistribution, rng: Any, layout: str | None = None) -> Array:
    """Fill ``x`` with independent draws. With a seed, the draws follow the order of the default layout."""
    # Most calls find backend and dtype in a dict, which is faster than a function call.
    backend = known_backend(type(x)) or backend_of(x)
    name = backend.dtype(x)
    dtype = FORMATS.get(name) or floating(name)
    drawn: Distribution = distribution.circular() if dtype.is_complex else distribution
    drawn.check_range(dtype)
    source = source_of(backend, x, rng)
    backend.check_writable(x)
    shape = tuple(x.shape)
    # Imported here: the modules that draw take as long to import as the rest.
    if not isinstance(source, Seed):
        from arrayinit.backends.computed import NativeDraw

        return backend.write(x, NativeDraw(source, shape, dtype, drawn))
    order, logical = tuple(range(len(shape))), shape
    if layout is not None and 0 not in shape and (canonical := parse(layout, shape).canonical) != order:
        order, logical = canonical, tuple([shape[k] for k in canonical])
    from arrayinit.kernels.draw import Draw

    return backend.write(x, Draw(drawn, source, dtype, logical, order))


def draw_in_order(x: Array, distribution: RealDistribution, rng: Any, layout: str | None) -> Array:
    """Fill ``x`` with draws whose distribution does not depend on ``layout``. Check ``layout`` nevertheless."""
    if layout is not None:
        backend_of(x)
        parse(layout, x.shape)
    return draw(x, distribution, rng, layout)


def source_of(backend: Backend, x: Array, rng: Any) -> Generator | Seed:
    """Return the seed if ``rng`` is a seed, else the generator that ``rng`` means for ``x``."""
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
    backend = known_backend(type(x)) or backend_of(x)
    try:
        shape = x.shape
        if 0 not in shape:
            found = fans(shape, layout, groups)
            if type(found[0]) is not int or type(found[1]) is not int:
                backend.dtype(x)
            return found
    except (AttributeError, RuntimeError):
        # The backend raises a better error for an object without sizes, such as a nested tensor.
        backend.dtype(x)
        raise
    # As in torch, an empty bias passes.
    if len(shape) > 1:
        fans(shape, layout, groups)
    warn("Initializing zero-element tensors is a no-op")
    return 1, 1
