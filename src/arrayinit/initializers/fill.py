"""The path from a public function to a backend: check the arguments, resolve rng, and write a fill."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any

from arrayinit.backends.arguments import as_generator, warn
from arrayinit.backends.protocol import Array, Backend, Generator, Prepared
from arrayinit.backends.registry import backend_of, known_backend
from arrayinit.core.distributions import Distribution, RealDistribution
from arrayinit.core.dtypes import FORMATS, floating
from arrayinit.core.layouts import fans, parse
from arrayinit.kernels.fill import Fill
from arrayinit.stream.seed import Seed, seed_of

Asked = Callable[..., RealDistribution]
"""A function of the array and of arguments that returns the distribution that they ask for."""

_PLAIN = (int, float, str, type(None))
# The arguments of a call, and what they decide.
_Kept = tuple[tuple[Any, ...], Any]
_NOTHING: _Kept = ((), None)
_prepared: dict[Any, _Kept] = {}


def draw(x: Array, rng: Any, layout: str | None, asked: Asked, *given: Any) -> Array:
    """Fill ``x`` with independent draws from ``asked(x, *given)``.

    With a seed, the draws follow the order of the default layout.
    """
    # Most calls find backend and dtype in a dict, which is faster than a function call.
    backend = known_backend(type(x)) or backend_of(x)
    kind = backend.kind(x)
    if kind is None:
        return _drawn(backend, x, rng, _prepare(backend, x, layout, asked, given))
    key = asked, kind, layout, given
    try:
        before, prepared = _prepared.get(key, _NOTHING)
    except TypeError:
        # An argument that may change, such as an array, has no hash.
        return _drawn(backend, x, rng, _prepare(backend, x, layout, asked, given))
    # Arguments may be equal, but not the same: True and 1, or zeros of two signs.
    if prepared is None or not (all(map(is_, given, before)) or repr(given) == repr(before)):
        prepared = _remember(key, given, _prepare(backend, x, layout, asked, given))
    source = rng
    if rng is not None and not (type(rng) is int and 0 <= rng < 1 << 64):
        seed = seed_of(rng)
        source = rng if seed is None else seed
    try:
        filled = backend.fill_at_once(x, prepared, source)
    except OverflowError:
        # NumPy makes the key of a seed of any size.
        filled = None
    return _drawn(backend, x, rng, prepared) if filled is None else filled


def _remember(key: Any, given: tuple[Any, ...], prepared: Prepared) -> Prepared:
    """Return what was prepared with its law, and keep it for arrays that are alike; an empty array is to warn anew."""
    if 0 in prepared.shape or any(type(argument) not in _PLAIN for argument in given):
        return prepared
    # Imported here: the modules that draw take as long to import as the rest.
    from arrayinit.kernels.compiled import law_at_once

    prepared = prepared._replace(law=law_at_once(prepared.distribution, prepared.dtype, prepared.shape), kept={})
    # A program has few kinds of arrays. The limit guards the memory against a program with ever new ones.
    if len(_prepared) >= 1000:
        _prepared.clear()
    _prepared[key] = given, prepared
    return prepared


def _prepare(backend: Backend, x: Array, layout: str | None, asked: Asked, given: tuple[Any, ...]) -> Prepared:
    distribution = asked(x, *given)
    name = backend.dtype(x)
    dtype = FORMATS.get(name) or floating(name)
    drawn: Distribution = distribution.circular() if dtype.is_complex else distribution
    drawn.check_range(dtype)
    shape = tuple(x.shape)
    order = None if layout is None or 0 in shape else parse(layout, shape).canonical
    if order is None or order == tuple(range(len(shape))):
        return Prepared(drawn, dtype, shape, None)
    return Prepared(drawn, dtype, tuple([shape[k] for k in order]), order)


def _drawn(backend: Backend, x: Array, rng: Any, prepared: Prepared) -> Array:
    source = source_of(backend, x, rng)
    backend.check_writable(x)
    # Imported here too.
    if not isinstance(source, Seed):
        from arrayinit.backends.computed import NativeDraw

        return backend.write(x, NativeDraw(source, tuple(x.shape), prepared.dtype, prepared.distribution))
    from arrayinit.kernels.draw import Draw

    order = tuple(range(len(prepared.shape))) if prepared.order is None else prepared.order
    return backend.write(x, Draw(prepared.distribution, source, prepared.dtype, prepared.shape, order))


def check_layout(x: Array, layout: str | None) -> None:
    """Check a layout on which the distribution does not depend."""
    if layout is not None:
        parse(layout, tuple(x.shape))


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
    return backend.update(x, fill)


def fans_of(x: Array, layout: str, groups: int) -> tuple[int, int]:
    """Return (fan_in, fan_out) of ``x``. For an empty ``x``, warn and return (1, 1)."""
    backend = known_backend(type(x)) or backend_of(x)
    try:
        shape = tuple(x.shape)
        if 0 not in shape:
            found = fans(shape, layout, groups)
            if type(found[0]) is not int or type(found[1]) is not int:
                backend.dtype(x)
            return found
    except (AttributeError, RuntimeError, TypeError, ValueError):
        # The backend raises a better error for an object without sizes, such as a nested tensor, or of unknown sizes.
        backend.dtype(x)
        raise
    # As in torch, an empty bias passes.
    if len(shape) > 1:
        fans(shape, layout, groups)
    warn("Initializing zero-element tensors is a no-op")
    return 1, 1
