"""The gain of eye_ and dirac_, and gains that no table has, as numbers."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from libraries import no_such_case
from scipy import integrate, special, stats

import arrayinit as ai

# A little more than halfway between two numbers of 8 and of 11 bits: by way of float32 it would be halfway, and then 1.
JUST_ABOVE = {"bfloat16": 1 + 2.0**-8 + 2.0**-40, "float16": 1 + 2.0**-11 + 2.0**-40}
UP = {"bfloat16": 1 + 2.0**-7, "float16": 1 + 2.0**-10}


def identity(name: str, library: Any, dtype: str, **arguments: Any) -> np.ndarray:
    x = library.empty((4, 2, 3), dtype) if name == "dirac_" else library.empty((4, 2), dtype)
    made = library.to_numpy(getattr(ai, name)(x, **arguments))
    ones = getattr(ai, name)(np.empty(made.shape), **{key: arguments[key] for key in arguments if key != "gain"})
    assert (made[ones == 0] == 0).all()
    assert ones.sum() >= 2
    return made[ones == 1]


@pytest.mark.parametrize("gain", [0.1, -2, 1 / 3, Fraction(1, 3), 0.0, 1e-3])
@pytest.mark.parametrize("name", ["eye_", "dirac_"])
def test_identities_have_their_gain(name, gain, library, dtype):
    value = float(gain)
    if dtype == "bfloat16":
        exponent = 7 - math.frexp(value)[1] + 1 if value else 0
        value = math.ldexp(round(math.ldexp(value, exponent)), -exponent)
    else:
        value = np.dtype(dtype).type(value)
    assert (identity(name, library, dtype, gain=gain) == value).all()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("dtype", JUST_ABOVE)
@pytest.mark.parametrize("name", ["eye_", "dirac_"])
def test_a_gain_is_rounded_once(name, dtype, sign, library):
    if dtype not in library.dtypes:
        no_such_case(f"{library.name} has no {dtype}")
    assert (identity(name, library, dtype, gain=sign * JUST_ABOVE[dtype]) == sign * UP[dtype]).all()
    # Halfway to the even one, of either sign.
    halfway = 1 + (UP[dtype] - 1) / 2
    assert (identity(name, library, dtype, gain=sign * halfway) == sign).all()


@pytest.mark.parametrize("name", ["eye_", "dirac_"])
def test_integers_take_a_gain_as_a_constant(name, library):
    assert (identity(name, library, "int16", gain=-2.7) == -2).all()
    assert (identity(name, library, "int64", gain=2**53 + 1) == 2**53 + 1).all()
    assert (identity(name, library, "uint8", gain=255) == 255).all()
    assert identity(name, library, "bool", gain=0.5).all()
    assert not identity(name, library, "bool", gain=0).any()
    x = library.full((4, 2, 3) if name == "dirac_" else (4, 2), "uint8", 7)
    for gain, text in ((256, "gain=256 does not fit dtype uint8, which holds 0 to 255"), (-1, "gain=-1 does not fit")):
        with pytest.raises(ValueError, match=re.escape(text)):
            getattr(ai, name)(x, gain=gain)
    with pytest.raises(ValueError, match="gain must not be NaN"):
        getattr(ai, name)(x, gain=math.nan)
    assert (library.to_numpy(x) == 7).all()


def test_a_gain_goes_with_layouts_and_groups(library):
    assert (identity("dirac_", library, "float32", gain=0.5, groups=2) == 0.5).all()
    x = library.to_numpy(ai.eye_(library.empty((2, 3), "float32"), gain=3, layout="IO"))
    np.testing.assert_array_equal(x, 3 * np.eye(2, 3))


@pytest.mark.parametrize("gain", [1.7009, 1, np.float32(1.5335), np.array(2.0), 0])
@pytest.mark.parametrize(("name", "distribution"), [("kaiming_uniform_", "uniform"), ("kaiming_normal_", "normal")])
def test_a_number_as_nonlinearity_is_the_gain(name, distribution, gain, library):
    x = library.empty((6, 4), "float32")
    made = library.to_numpy(getattr(ai, name)(x, mode="fan_out", nonlinearity=gain, rng=3))
    variance = float(gain) ** 2
    if variance:
        expected = ai.variance_scaling_(library.empty((6, 4), "float32"), variance, "fan_out", distribution, rng=3)
        np.testing.assert_allclose(made, library.to_numpy(expected), rtol=1e-6)
    else:
        assert (made == 0).all()


@pytest.mark.parametrize("name", ["kaiming_uniform_", "kaiming_normal_"])
def test_the_gains_of_the_table_are_those_numbers(name, library):
    for nonlinearity in ("linear", "relu", "tanh", "selu"):
        by_name, by_number = (
            library.to_numpy(getattr(ai, name)(library.empty((6, 4), "float32"), nonlinearity=given, rng=3))
            for given in (nonlinearity, ai.calculate_gain(nonlinearity))
        )
        np.testing.assert_allclose(by_name, by_number, rtol=1e-6)


FUNCTIONS = {"gelu": lambda z: z * special.ndtr(z), "silu": lambda z: z * special.expit(z)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_error_names_the_gains_that_people_use(name):
    def mean(f: Any) -> float:
        return integrate.quad(lambda z: f(z) * stats.norm.pdf(z), -40, 40, epsabs=1e-12, limit=500)[0]

    f = FUNCTIONS[name]
    square, first = mean(lambda z: f(z) ** 2), mean(f)
    expected = f"{square**-0.5:.4f} keeps the second moment, {(square - first**2) ** -0.5:.4f} the standard deviation"
    for spelled in {name, name.upper(), "swish" if name == "silu" else name}:
        for call in (
            lambda spelled=spelled: ai.kaiming_normal_(np.empty((3, 4)), nonlinearity=spelled),
            lambda spelled=spelled: ai.calculate_gain(spelled),
        ):
            with pytest.raises(ValueError, match="take a number as nonlinearity, the gain itself") as error:
                call()
            assert f"got '{spelled}'; no table agrees on its gain: {expected}" in str(error.value)
            assert {"gelu": "timm uses 1.7015", "silu": "timm uses 1.7881"}[name] in str(error.value)


@pytest.mark.parametrize("name", ["mish", "elu", "GLU", "ReLU"])
def test_the_error_for_others_says_that_a_number_will_do(name):
    with pytest.raises(ValueError, match=f"got '{name}'; kaiming_uniform_ and kaiming_normal_ also take a number"):
        ai.kaiming_uniform_(np.empty((3, 4)), nonlinearity=name)
