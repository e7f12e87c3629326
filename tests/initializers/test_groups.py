"""Groups scale the draws of every function that takes them, as much as they divide the fan out, from any generator."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from libraries import Library

import arrayinit

GROUPS = 4


class Weight(NamedTuple):
    """A kernel of 8 outputs, 3 inputs and 5 elements, with the axes in some order."""

    layout: str
    shape: tuple[int, ...]


WEIGHTS = (Weight("OI...", (8, 3, 5)), Weight("...IO", (5, 3, 8)), Weight("IkO", (3, 5, 8)))
FAN_IN, FAN_OUT, FAN_OUT_OF_A_GROUP = 15, 40, 10

# How much larger than without groups each draw is.
IN = 1.0
OUT = math.sqrt(FAN_OUT / FAN_OUT_OF_A_GROUP)
AVERAGE = math.sqrt((FAN_IN + FAN_OUT) / (FAN_IN + FAN_OUT_OF_A_GROUP))
GEOMETRIC = math.sqrt(OUT)
CASES: dict[str, tuple[Callable[..., Any], dict[str, Any], float]] = {
    "xavier_uniform_": (arrayinit.xavier_uniform_, {"gain": 1.5}, AVERAGE),
    "xavier_normal_": (arrayinit.xavier_normal_, {"gain": 1.5}, AVERAGE),
    "lecun_uniform_": (arrayinit.lecun_uniform_, {}, IN),
    "lecun_normal_": (arrayinit.lecun_normal_, {}, IN),
    **{
        f"{name}, {mode}": (getattr(arrayinit, name), {"mode": mode}, ratio)
        for name in ("kaiming_uniform_", "kaiming_normal_", "variance_scaling_")
        for mode, ratio in (("fan_in", IN), ("fan_out", OUT), ("fan_avg", AVERAGE), ("fan_geo_avg", GEOMETRIC))
    },
    "variance_scaling_, uniform": (arrayinit.variance_scaling_, {"mode": "fan_out", "distribution": "uniform"}, OUT),
    "variance_scaling_, normal": (arrayinit.variance_scaling_, {"mode": "fan_out", "distribution": "normal"}, OUT),
}
GENERATORS: dict[str, Callable[[Library], Any]] = {
    "a seed": lambda _: 7,
    "the library's generator": lambda library: library.generator(7),
    "NumPy's generator": lambda _: np.random.default_rng(7),
}


@pytest.mark.parametrize("rng", GENERATORS)
@pytest.mark.parametrize("case", CASES)
def test_groups_scale_the_draws(case: str, rng: str, library: Library) -> None:
    fill, options, ratio = CASES[case]
    # JAX compiles its own draws for each shape and dtype.
    weights, dtypes = (WEIGHTS, ("float64", "complex64")) if rng == "a seed" else (WEIGHTS[1:2], ("float64",))
    for weight, dtype in itertools.product(weights, filter(library.has, dtypes)):
        whole, grouped = (
            library.to_numpy(
                fill(
                    library.empty(weight.shape, dtype),
                    **options,
                    layout=weight.layout,
                    groups=groups,
                    rng=GENERATORS[rng](library),
                )
            )
            for groups in (1, GROUPS)
        )
        np.testing.assert_allclose(grouped, ratio * whole, rtol=1e-5, atol=0)


# Of weights (400, 5, 50): 400 outputs in 4 groups, a kernel of 5, and 50 inputs of each group.
FANS = {"fan_in": 250.0, "fan_out": 500.0, "fan_avg": 375.0, "fan_geo_avg": math.sqrt(250 * 500)}
SQUARED_GAINS = {"xavier": 1.5**2, "kaiming": 2.0}


@pytest.mark.parametrize("case", CASES)
def test_groups_scale_the_draws_of_the_default_generator(case: str, library: Library) -> None:
    fill, options, _ = CASES[case]
    kind = case.partition("_")[0]
    mode = options.get("mode", "fan_avg" if kind == "xavier" else "fan_in")
    x = library.to_numpy(fill(library.empty((400, 5, 50), "float32"), **options, layout="OkI", groups=GROUPS))
    # Of these distributions the square of a normal number varies the most, by twice the square of its mean.
    error = 6 * math.sqrt(2 / x.size)
    assert np.mean(x.astype("float64") ** 2) == pytest.approx(SQUARED_GAINS.get(kind, 1.0) / FANS[mode], rel=error)
