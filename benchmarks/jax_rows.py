"""JAX arrays against jax.nn.initializers, eagerly and under jit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
from jax.nn import initializers as init

import arrayinit as ai
from benchmarks.sections import LARGE, SIZES, SMALL
from benchmarks.timing import Fill, Pair, Section

KEY = jax.random.key(0)
RNGS: dict[str, Any] = {"native": KEY, "seed": 0}
# Under jit, a key gives the peer's own program.
WAYS = (("JAX", "native"), ("JAX", "seed"), ("JAX under jit", "seed"))
LAYOUT = {"layout": "...IO"}

# JAX's initializer, and arrayinit's function, arguments and keywords for the same.
Call = tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...], dict[str, str]]

CALLS: dict[str, Call] = {
    "uniform": (init.uniform(), ai.uniform_, (0.0, 0.01), {}),
    "normal": (init.normal(), ai.normal_, (0.0, 0.01), {}),
    "truncated_normal": (init.truncated_normal(), ai.trunc_normal_, (0.0, 0.01, -0.02, 0.02), {}),
    "glorot_uniform": (init.glorot_uniform(), ai.xavier_uniform_, (), LAYOUT),
    "glorot_normal": (init.glorot_normal(), ai.variance_scaling_, (1.0, "fan_avg"), LAYOUT),
    "he_uniform": (init.he_uniform(), ai.kaiming_uniform_, (0, "fan_in", "relu"), LAYOUT),
    "he_normal": (init.he_normal(), ai.variance_scaling_, (2.0,), LAYOUT),
    "lecun_uniform": (init.lecun_uniform(), ai.lecun_uniform_, (), LAYOUT),
    "lecun_normal": (init.lecun_normal(), ai.lecun_normal_, (), LAYOUT),
}
ORTHOGONAL: Call = (init.orthogonal(), ai.orthogonal_, (), LAYOUT)
DELTA: Call = (init.delta_orthogonal(), ai.delta_orthogonal_, (), LAYOUT)


def pairs(side: int) -> Iterator[Pair]:
    """Return every random function of jax.nn.initializers."""
    for dtype in ("float32", "bfloat16"):
        for place, rng in WAYS:
            for label, call in CALLS.items():
                yield pair(LARGE, place, dtype, rng, label, call, (side, side))
            if dtype == "float32":
                yield pair(LARGE, place, dtype, rng, "orthogonal 1024", ORTHOGONAL, (1024, 1024))
                yield pair(LARGE, place, dtype, rng, "delta_orthogonal 512", DELTA, (3, 3, 512, 512))


def small_pairs() -> Iterator[Pair]:
    """Return the same on small matrices."""
    for size in SIZES:
        for rng in RNGS:
            for label, call in (CALLS | {"orthogonal": ORTHOGONAL}).items():
                yield pair(SMALL, "JAX", "float32", rng, label, call, (size, size))


def pair(section: Section, place: str, dtype: str, rng: str, label: str, call: Call, shape: tuple[int, ...]) -> Pair:
    theirs, function, arguments, keywords = call
    struct, draw = jax.ShapeDtypeStruct(shape, dtype), RNGS[rng]

    def peer(key: jax.Array) -> Any:
        return theirs(key, shape, dtype)

    def ours(key: jax.Array) -> Any:
        return function(struct, *arguments, rng=key if rng == "native" else draw, **keywords)

    size = f" {shape[0]} x {shape[1]}" if section is SMALL else ""
    both = [jax.jit(peer), jax.jit(ours)] if "jit" in place else [peer, ours]
    return Pair(section, f"{place}{size}, {dtype}, {rng}: {label}", *(ready(fill) for fill in both))


def ready(fill: Callable[[jax.Array], Any]) -> Fill:
    # The key is an argument: XLA could fold a constant key into the program.
    return lambda: jax.block_until_ready(fill(KEY))
