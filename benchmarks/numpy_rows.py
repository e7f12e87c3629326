"""NumPy arrays against Keras on NumPy, against code by hand, and against the limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import numpy as np
from keras import initializers as init

import arrayinit as ai
from benchmarks.sections import LARGE, LIMITS, SIZES, SMALL
from benchmarks.timing import Fill, Pair, Section

DTYPES = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16}
RNGS: dict[str, Any] = {"native": np.random.default_rng(0), "seed": 0}
LAYOUT = {"layout": "...IO"}

Shape = tuple[int, ...]
# Keras's initializer, and arrayinit's function, arguments and keywords for the same.
Call = tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...], dict[str, str]]

CALLS: dict[str, Call] = {
    "RandomUniform": (init.RandomUniform(seed=0), ai.uniform_, (-0.05, 0.05), {}),
    "RandomNormal": (init.RandomNormal(seed=0), ai.normal_, (0.0, 0.05), {}),
    "TruncatedNormal": (init.TruncatedNormal(seed=0), ai.trunc_normal_, (0.0, 0.05, -0.1, 0.1), {}),
    "GlorotUniform": (init.GlorotUniform(seed=0), ai.xavier_uniform_, (), LAYOUT),
    "GlorotNormal": (init.GlorotNormal(seed=0), ai.variance_scaling_, (1.0, "fan_avg"), LAYOUT),
    "HeUniform": (init.HeUniform(seed=0), ai.kaiming_uniform_, (0, "fan_in", "relu"), LAYOUT),
    "HeNormal": (init.HeNormal(seed=0), ai.variance_scaling_, (2.0,), LAYOUT),
    "LecunUniform": (init.LecunUniform(seed=0), ai.lecun_uniform_, (), LAYOUT),
    "LecunNormal": (init.LecunNormal(seed=0), ai.lecun_normal_, (), LAYOUT),
}
ORTHOGONAL: Call = (init.Orthogonal(seed=0), ai.orthogonal_, (), LAYOUT)


def pairs(side: int) -> Iterator[Pair]:
    """Return every random function of keras.initializers, then code by hand, then the limits."""
    for dtype in DTYPES:
        for rng in RNGS:
            for label, call in CALLS.items():
                yield keras(LARGE, dtype, rng, label, call, (side, side))
            if dtype == "float32":
                yield keras(LARGE, dtype, rng, "Orthogonal 1024", ORTHOGONAL, (1024, 1024))
    for dtype in DTYPES:
        yield from by_hand(dtype, (side, side))
    yield from limits((side, side))


def small_pairs() -> Iterator[Pair]:
    """Return the same on small matrices."""
    for size in SIZES:
        for rng in RNGS:
            for label, call in (CALLS | {"Orthogonal": ORTHOGONAL}).items():
                yield keras(SMALL, "float32", rng, label, call, (size, size))


def keras(section: Section, dtype: str, rng: str, label: str, call: Call, shape: Shape) -> Pair:
    theirs, function, arguments, keywords = call
    size = f" {shape[0]} x {shape[1]}" if section is SMALL else ""
    name = f"Keras on NumPy{size}, {dtype}, {rng}: {label}"
    ours = fresh(function, shape, dtype, *arguments, rng=RNGS[rng], **keywords)
    return Pair(section, name, lambda: theirs(shape, dtype), ours)


def by_hand(dtype: str, shape: Shape) -> Iterator[Pair]:
    """Return draws in float64, cast to the dtype: NumPy has every distribution in float64."""
    rng, kind = RNGS["native"], DTYPES[dtype]
    std = 1.0 / math.sqrt(shape[1])
    name = f"NumPy by hand, {dtype}, native"
    uniform, normal = ((f, shape, dtype) for f in (ai.uniform_, ai.normal_))
    yield Pair(
        LARGE,
        f"{name}: rng.uniform(-a, a, shape).astype",
        lambda: rng.uniform(-std, std, shape).astype(kind),
        fresh(*uniform, -std, std, rng=rng),
    )
    yield Pair(
        LARGE,
        f"{name}: rng.normal(0, std, shape).astype",
        lambda: rng.normal(0, std, shape).astype(kind),
        fresh(*normal, 0.0, std, rng=rng),
    )


def limits(shape: Shape) -> Iterator[Pair]:
    """Return the limits: no initializer can be faster."""
    x = np.ones(shape, np.float32)
    generator = np.random.Philox(0)
    for function in (ai.uniform_, ai.normal_):
        name = f"NumPy, float32, seed: {function.__name__}"
        ours = filling(function, x)
        yield Pair(LIMITS, f"{name} (constant fill)", lambda: x.fill(1.0), ours)
        # One 64-bit word makes two elements.
        yield Pair(LIMITS, f"{name} (bare generator)", lambda: generator.random_raw(x.size // 2, output=False), ours)


def filling(function: Callable[..., Any], x: Any) -> Fill:
    return lambda: function(x, rng=0)


def fresh(function: Callable[..., Any], shape: Shape, dtype: str, *arguments: Any, **keywords: Any) -> Fill:
    """Return a call that fills a new array, as the peers do."""
    kind = DTYPES[dtype]
    return lambda: function(np.empty(shape, kind), *arguments, **keywords)
