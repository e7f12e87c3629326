"""The draws as a list of operations: done one by one, they give the bits of the portable stream."""

from __future__ import annotations

import math

import numpy as np
import pytest
from programs import CASES, IDS, REAL, expected, replayed, words

from arrayinit.core.distributions import (
    Disk,
    Distribution,
    Normal,
    TruncatedComplexNormal,
    TruncatedNormal,
    Uniform,
)
from arrayinit.core.dtypes import FORMATS
from arrayinit.core.truncation import Central, Tail, truncation
from arrayinit.stream.coefficients import DOUBLE_TAIL
from arrayinit.stream.program import recorded

pytestmark = pytest.mark.usefixtures("numpy_library")


@pytest.mark.parametrize(("name", "distribution", "dtype"), CASES, ids=IDS)
def test_the_steps_give_the_bits_that_numpy_computes(name: str, distribution: Distribution, dtype: str) -> None:
    form = FORMATS[dtype]
    given = words(form)
    with np.errstate(all="ignore"):
        ours = replayed(recorded(distribution, form), given)
        theirs = expected(distribution, given, form)
    for part, other in zip(ours, theirs, strict=True):
        assert part.dtype == other.dtype
        integer = f"uint{8 * part.itemsize}"
        np.testing.assert_array_equal(np.array(part).view(integer), np.ascontiguousarray(other).view(integer))


def test_the_cases_are_drawn_in_every_way_that_there_is() -> None:
    plans = [truncation(d) for d in REAL.values() if isinstance(d, TruncatedNormal)]
    ways = {(type(p).__name__, getattr(p, "mirrored", None), getattr(p, "use_series", None)) for p in plans}
    sides = {
        (kind, mirrored, use_series) for kind in ("Tail", "Extreme") for mirrored in (0, 1) for use_series in (0, 1)
    }
    assert ways == sides | {("Narrow", False, None), ("Narrow", True, None), ("Central", None, None)}
    assert {p.below == p.above for p in plans if isinstance(p, Central)} == {True, False}
    assert {p.rest == 0 for p in plans if isinstance(p, Tail)} == {True, False}


# Of the same kind, and yet different in every parameter.
ALIKE: list[tuple[Distribution, Distribution]] = [
    (Uniform(0.0, 1.0), Uniform(-0.0, 7.0)),
    (Uniform(-0.3, 0.7), Uniform(1.0, 2.0)),
    (Uniform(-0.3, 0.3), Uniform(-5.0, 5.0)),
    (Normal(0.0, 1.0), Normal(-0.0, 0.02)),
    (Normal(1.0, 1.0), Normal(-3.0, 1e-3)),
    (Normal(1.0, 0.0), Normal(-3.0, 0.0)),
    (TruncatedNormal(0.0, 1.0, -2.0, 2.0), TruncatedNormal(3.0, 0.1, 2.9, 3.1)),
    (TruncatedNormal(0.0, 1.0, -2.0, 1.0), TruncatedNormal(3.0, 0.1, -math.inf, 3.1)),
    (TruncatedNormal(0.0, 1.0, 3.0, 4.0), TruncatedNormal(1.0, 2.0, 9.0, math.inf)),
    (TruncatedNormal(0.0, 1.0, 3.0, 3.001), TruncatedNormal(1.0, 2.0, 7.0, 7.002)),
    (TruncatedNormal(0.0, 1.0, -40.0, -39.0), TruncatedNormal(1.0, 2.0, -math.inf, -83.0)),
    (TruncatedNormal(0.0, 1.0, 40.0, 40.00001), TruncatedNormal(1.0, 2.0, 83.0, 83.00001)),
    (TruncatedNormal(0.0, 1.0, -1e-6, 1e-6), TruncatedNormal(1.0, 2.0, -2.00001, -2.0)),
    (Disk(0.0, 1.0), Disk(-0.0, 3.0)),
    (Disk(1.0, 1.0), Disk(2.0, 3.0)),
    (TruncatedComplexNormal(1.0), TruncatedComplexNormal(0.3)),
]


@pytest.mark.parametrize(("one", "other"), ALIKE, ids=str)
def test_the_program_does_not_depend_on_the_parameters(one: Distribution, other: Distribution) -> None:
    forms = ["complex64"] if isinstance(one, Disk | TruncatedComplexNormal) else ["float32", "float64", "bfloat16"]
    for form in map(FORMATS.__getitem__, [*forms, *["complex64"] * isinstance(one, Normal)]):
        assert recorded(one, form).program is recorded(other, form).program
        assert recorded(one, form).numbers != recorded(other, form).numbers


def test_a_number_that_comes_from_no_parameter_is_a_constant() -> None:
    # The standard deviation.
    assert recorded(Normal(0.0, 0.5), FORMATS["float32"]).numbers == (0.5,)
    constants = [
        step.value for step in recorded(Normal(0.0, 0.5), FORMATS["float64"]).program.steps if step.name == "constant"
    ]
    assert {w for w, _ in DOUBLE_TAIL} < set(constants)


def test_what_compares_equal_is_not_taken_for_the_same() -> None:
    form = FORMATS["float32"]
    assert Normal(0.0, 1.0) == Uniform(0.0, 1.0)
    assert recorded(Normal(0.0, 1.0), form).program is not recorded(Uniform(0.0, 1.0), form).program
    positive, negative = (recorded(TruncatedNormal(0.0, 1.0, zero, 2.0), form).numbers for zero in (0.0, -0.0))
    assert [math.copysign(1.0, x) for x in positive] != [math.copysign(1.0, x) for x in negative]
