"""The straight line from a public function to the backend: check, resolve the generator, draw."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from arrayinit.backends.arguments import as_generator
from arrayinit.backends.protocol import Array, Drawing, Generator
from arrayinit.backends.registry import backend_of
from arrayinit.core.distributions import Distribution, Law
from arrayinit.core.dtypes import FloatFormat, floating
from arrayinit.core.layouts import parse
from arrayinit.stream.seed import Seed, seed_of

Body = Callable[[Drawing, Array, Generator, FloatFormat], Array]
"""Fills an array with draws of a generator or a seed, for the format that they are rounded to in the end."""


def draw(x: Array, law: Law, rng: Any, layout: str | None = None) -> Array:
    """Fill ``x`` with independent draws; those of a seed are made in the order of the default layout."""
    seed = seed_for(x, rng)
    if seed is not None:
        order = None if layout is None or 0 in x.shape else parse(layout, x.shape).canonical
        return draw_portably(x, law, seed, order=order)

    def body(backend: Drawing, target: Array, generator: Generator, form: FloatFormat) -> Array:
        return backend.draw(target, _checked(law, form), generator, form)

    return run(x, rng, body)


def draw_in_order(x: Array, law: Law, rng: Any, layout: str | None) -> Array:
    """Fill ``x`` with independent draws whose law does not depend on ``layout``, which is checked all the same."""
    if layout is not None:
        backend_of(x)
        parse(layout, x.shape)
    return draw(x, law, rng, layout)


def seed_for(x: Array, rng: Any) -> Seed | None:
    """Return the seed that ``rng`` is, or a new one if None is to be one for ``x``; None for what is no seed."""
    if rng is not None:
        return seed_of(rng)
    return Seed((int.from_bytes(os.urandom(16), "little"),)) if hasattr(backend_of(x), "later") else None


def draw_portably(x: Array, law: Law, seed: Seed, *, order: tuple[int, ...] | None = None, zeros: int = 0) -> Array:
    """Fill ``x`` with the portable stream of a seed; axis k of the logical array is axis ``order[k]`` of ``x``."""
    backend = backend_of(x)
    form = floating(backend.dtype(x))
    distribution = _checked(law, form)
    backend.check_writable(x)
    return backend.where_it_lives(x, lambda target: _stream(backend, target, distribution, seed, form, order, zeros))


def draw_whole(
    backend: Drawing, x: Array, distribution: Distribution, generator: Generator, form: FloatFormat
) -> Array:
    """Fill an array that ``backend`` has just made, with a generator or a seed."""
    if isinstance(generator, Seed):
        return _stream(backend, x, distribution, generator, form)
    return backend.draw(x, distribution, generator, form)


def run(x: Array, rng: Any, body: Body) -> Array:
    """Let ``body`` fill ``x``, or, where NumPy draws for another library, an array on the host that is then copied.

    ``rng`` is what a user gave, or the `Seed` that it is.
    """
    backend: Any = backend_of(x)
    form = floating(backend.dtype(x))
    generator = rng if isinstance(rng, Seed) else backend.generator(x, rng if rng is None else as_generator(rng))
    backend.check_writable(x)
    if not isinstance(generator, np.random.Generator) and hasattr(backend, "draw"):
        return backend.where_it_lives(x, lambda target: body(backend, target, generator, form))
    if isinstance(generator, Seed) and hasattr(backend, "later"):
        return backend.later(x, form.compute, partial(_on_host, body, tuple(x.shape), generator, form))
    shared = backend.host(x)
    # What NumPy has no dtype for is drawn in a wider one.
    in_place = shared is not None and shared.dtype.name == form.name
    host = shared if in_place else np.empty(tuple(x.shape), form.compute)
    body(_numpy(), host, generator, form)
    if in_place:
        return x
    return backend.where_it_lives(x, lambda target: backend.assign(target, backend.from_host(target, host)))


def _stream(
    backend: Any,
    x: Array,
    distribution: Distribution,
    seed: Seed,
    form: FloatFormat,
    order: tuple[int, ...] | None = None,
    zeros: int = 0,
) -> Array:
    from arrayinit.kernels.draw import Draw

    order = tuple(range(len(x.shape))) if order is None else order
    return backend.portable(x, Draw(distribution, seed, form, tuple(x.shape[k] for k in order), order, zeros))


def _on_host(body: Body, shape: tuple[int, ...], generator: Generator, form: FloatFormat) -> Array:
    return body(_numpy(), np.empty(shape, form.compute), generator, form)


def _checked(law: Law, form: FloatFormat) -> Distribution:
    distribution: Distribution = law.circular() if form.is_complex else law
    distribution.check_range(form)
    return distribution


def _numpy() -> Drawing:
    # Not at the top: a fifth of the time to import arrayinit, which may never draw on the host.
    from arrayinit.backends._numpy import BACKEND

    return BACKEND
