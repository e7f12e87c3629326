"""Values can be scaled, and know their standard deviation before they draw."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import CASES, FILLING, Case, value_of
from scipy import stats

import arrayinit as ai
from arrayinit import Initializer
from arrayinit.core.distributions import TruncatedNormal
from arrayinit.core.moments import moments
from arrayinit.testing.cases import LAYOUTS
from arrayinit.values.abstract import Abstract

SHOWN = pytest.mark.parametrize("case", FILLING, ids=str)


def drawn(value: Initializer, case: Case, dtype: str = "float64") -> np.ndarray:
    return value(np.empty(case.shape, dtype), rng=5)


@SHOWN
@pytest.mark.parametrize("factor", [3.0, 0.25, -1.5])
def test_a_product_scales_every_element(case: Case, factor: float) -> None:
    value = value_of(case)
    given, scaled = (v.fill(Abstract(case.shape, "float64")).moments() for v in (value, value * factor))
    np.testing.assert_allclose(scaled, (factor * given[0], abs(factor) * given[1]), rtol=1e-12)
    # A negative factor mirrors the distribution, not the draws of a seed.
    if factor > 0:
        expected = factor * drawn(value, case)
        np.testing.assert_allclose(drawn(value * factor, case), expected, rtol=1e-9, atol=1e-12 * abs(expected).max())
    assert factor * value == value * factor


def test_a_negative_factor_mirrors() -> None:
    assert ai.uniform(1.0, 2.0) * -2 == ai.uniform(-4.0, -2.0)
    assert ai.normal(1.0, 2.0) * -2 == ai.normal(-2.0, 4.0)
    assert ai.trunc_normal(1.0, 2.0, 0.0, 3.0) * -1 == ai.trunc_normal(-1.0, 2.0, -3.0, 0.0)
    assert ai.constant(2.0) * -1 == ai.constant(-2.0)


def test_what_has_no_factor_gets_one() -> None:
    assert ai.ones() * 3 == ai.constant(3.0)
    assert ai.zeros() * 3 == ai.zeros()
    assert ai.lecun_normal(layout="...IO") * 2 == ai.variance_scaling(4.0, layout="...IO")
    assert ai.lecun_uniform(groups=2) / 2 == ai.variance_scaling(0.25, distribution="uniform", groups=2)
    assert ai.kaiming_normal(nonlinearity="relu") * 2 == ai.kaiming_normal(nonlinearity=2 * math.sqrt(2.0))


def test_a_quotient_is_rounded_once() -> None:
    assert (ai.normal(std=0.02) / 24**0.5).arguments["std"] == 0.02 / 24**0.5


@pytest.mark.parametrize("factor", [math.inf, math.nan])
def test_a_factor_must_be_finite(factor: float) -> None:
    with pytest.raises(ValueError, match=r"the (factor|divisor) must "):
        ai.normal() * factor
    with pytest.raises(ValueError, match=r"the (factor|divisor) must "):
        ai.normal() / factor


def test_a_factor_must_be_a_number() -> None:
    for factor in ("2", None, True, ai.normal(), np.ones(2)):
        with pytest.raises(TypeError, match="the factor must be a real number"):
            ai.normal() * factor
    with pytest.raises(ZeroDivisionError, match=r"normal\(\) cannot be divided by 0"):
        ai.normal() / 0
    assert np.float32(2) * ai.normal() == ai.normal() * np.float32(2) == ai.normal(std=2.0)


@SHOWN
def test_the_expected_std_is_that_of_the_draws(case: Case) -> None:
    """The std of n draws differs from the expected one by some 1 / sqrt(2 n) of it: five of these are allowed."""
    shape = (120, 100) if len(case.shape) == 2 else (60, 40, 3, 5)
    value = value_of(case)
    x = value(np.empty(shape), rng=5)
    expected = value.expected_std(shape)
    assert np.sqrt(np.mean(abs(x - x.mean()) ** 2)) == pytest.approx(expected, rel=5 / math.sqrt(2 * x.size), abs=1e-12)
    if "complex128" in case.dtypes:
        x = value(np.empty(shape, "complex128"), rng=5)
        mean, std = value.fill(Abstract(shape, "complex128")).moments()
        assert np.sqrt(np.mean(abs(x - x.mean()) ** 2)) == pytest.approx(std, rel=5 / math.sqrt(x.size), abs=1e-9)
        assert abs(x.mean() - mean) <= 5 * std / math.sqrt(x.size) + 1e-9


@pytest.mark.parametrize("layout", LAYOUTS)
@SHOWN
def test_the_expected_std_follows_the_layout(case: Case, layout: str) -> None:
    value = value_of(case)
    if not case.has_layout or len(case.shape) != 4:
        assert value.expected_std(case.shape, layout) == value.expected_std(case.shape)
        return
    turned = tuple(case.shape[k] for k in LAYOUTS[layout])
    expected = pytest.approx(value.expected_std(case.shape))
    assert value.expected_std(turned, layout) == expected
    # A layout that the value names wins.
    named = value.replace(layout=layout)
    assert named.expected_std(turned) == named.expected_std(turned, "OI...") == expected


def test_the_expected_std_refuses_what_the_function_refuses() -> None:
    with pytest.raises(ValueError, match="has 1 axis"):
        ai.kaiming_normal().expected_std((3,))
    with pytest.raises(TypeError, match="a shape must be of integers"):
        ai.normal().expected_std((2.5,))
    assert math.isnan(ai.normal().expected_std((0, 3)))
    assert ai.constant(2j).expected_std((3,)) == 0


def _bounds(case: Case) -> tuple[float, float, float, float]:
    given = {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0, **case.arguments}
    return given["mean"], given["std"], given["a"], given["b"]


# Between closer bounds SciPy's variance is negative.
WIDE = [case for case in CASES if case.name == "trunc_normal_" and _bounds(case)[3] - _bounds(case)[2] > 1e-3]


@pytest.mark.parametrize("case", WIDE, ids=str)
def test_the_moments_of_a_truncated_normal_are_those_of_scipy(case: Case) -> None:
    mean, std, a, b = _bounds(case)
    expected = stats.truncnorm((a - mean) / std, (b - mean) / std, mean, std)
    found = moments(TruncatedNormal.between(mean, std, a, b))
    np.testing.assert_allclose(found, [expected.mean(), expected.std()], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("width", [1e-3, 1e-6, 1e-11, 1e-13, 1e-300, 0.0])
def test_between_close_bounds_a_truncated_normal_is_uniform(width: float) -> None:
    mean, std = moments(TruncatedNormal.between(0.0, 1.0, 0.0, width))
    assert mean == pytest.approx(width / 2, rel=1e-6)
    assert std == pytest.approx(width / math.sqrt(12), rel=1e-6)


@pytest.mark.parametrize("bound", [1e3, 1e6, 1e100, 1e300])
def test_far_out_a_truncated_normal_is_exponential(bound: float) -> None:
    for sign in (1, -1):
        low, high = sorted((sign * bound, sign * math.inf))
        mean, std = moments(TruncatedNormal.between(0.0, 1.0, low, high))
        assert mean == pytest.approx(sign * bound, rel=1e-5)
        assert std == pytest.approx(1 / bound, rel=1e-5)
