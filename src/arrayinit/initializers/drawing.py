"""The straight line from a public function to the backend: check, resolve the generator, draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from arrayinit.backends.protocol import Array, Drawing, Generator
from arrayinit.backends.registry import backend_of
from arrayinit.core.distributions import Distribution, Law
from arrayinit.core.dtypes import Format, floating

Body = Callable[[Drawing, Array, Generator, Format], Array]
"""Fills an array with draws of a generator, for the format that they are rounded to in the end."""


def draw(x: Array, law: Law, rng: Any) -> Array:
    """Fill ``x`` with independent draws."""

    def body(backend: Drawing, target: Array, generator: Generator, form: Format) -> Array:
        distribution: Distribution = law.circular() if form.is_complex else law
        distribution.check_range(form)
        return backend.draw(target, distribution, generator, form)

    return run(x, rng, body)


def run(x: Array, rng: Any, body: Body) -> Array:
    """Let ``body`` fill ``x``, or, where NumPy draws for another library, an array on the host that is then copied."""
    backend: Any = backend_of(x)
    form = floating(backend.dtype(x))
    generator = backend.generator(x, rng)
    backend.check_writable(x)
    if generator is None or not isinstance(generator, np.random.Generator):
        return backend.where_it_lives(x, lambda target: body(backend, target, generator, form))
    shared = backend.host(x)
    host = np.empty(tuple(x.shape), form.compute) if shared is None else shared
    body(_numpy(), host, generator, form)
    if shared is not None:
        return x
    return backend.where_it_lives(x, lambda target: backend.assign(target, backend.from_host(target, host)))


def _numpy() -> Drawing:
    # Not at the top: a fifth of the time to import arrayinit, which may never draw on the host.
    from arrayinit.backends.numpy import BACKEND

    return BACKEND
