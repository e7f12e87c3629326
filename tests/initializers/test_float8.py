"""float8: every function, on every library that has these types."""

from __future__ import annotations

import copy
import math
import re
from typing import Any

import golden
import numpy as np
import pytest
from cases import CASES, DISTRIBUTIONS, FUNCTIONS, complete
from distributions import SIGNIFICANCE
from float8 import decoded, encoded, finite, has_infinity, has_negative_zero
from forms import formed
from intervals import interval
from libraries import FLOAT8, FORMS, Library, no_such_case
from portable_calls import bits
from scipy import stats

import arrayinit as ai
from arrayinit import testing
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.rounding import to_bits

GREATEST = {name: float(finite(name)[-1]) for name in FLOAT8}


@pytest.fixture(params=FLOAT8)
def float8(request: pytest.FixtureRequest, library: Library) -> str:
    """Each of the four types."""
    name: str = request.param
    if not library.has(name):
        no_such_case(f"{library.name} has no {name}")
    return name


def drawn(x: Any, library: Library, dtype: str) -> np.ndarray:
    """Return the bits of an array, but for the sign of a NaN, which no library keeps in all operations."""
    codes = bits(library.to_numpy(x), dtype)
    nan = np.isnan(decoded(codes, dtype))
    return np.where(nan, 0x80 if not has_negative_zero(dtype) else codes & 0x7F, codes)


def rounded(values: np.ndarray, dtype: str, low: float = -math.inf, high: float = math.inf) -> np.ndarray:
    """Return the bits of float32 numbers, clipped to the numbers of the format within the bounds, then rounded."""
    inside = np.concatenate([-finite(dtype), finite(dtype)])
    inside = inside[(inside >= low) & (inside <= high)]
    if math.isfinite(low) or math.isfinite(high):
        least = inside.min() if math.isfinite(low) else -math.inf
        values = np.clip(values, least, inside.max() if math.isfinite(high) else math.inf)
    return encoded(values, dtype)


def test_every_call_gives_what_float32_gives_rounded_once(library: Library, float8: str) -> None:
    for case in CASES:
        if not (case.is_drawn and case.is_exact):
            continue
        wide = case.fill(np.empty(case.shape, "float32"))
        bounded = "uniform" in case.name or case.name in ("trunc_normal_", "lecun_normal_", "variance_scaling_")
        bounds = interval(case.name, case.shape, complete(case)) if bounded else (-math.inf, math.inf)
        expected = rounded(wide, float8, *bounds)
        ours = drawn(case.fill(library.empty(case.shape, float8)), library, float8)
        # The bounds of a float32 draw are other numbers, to which it may have been clipped.
        near = np.abs(decoded(ours, float8) - decoded(expected, float8))
        assert (near == 0).all(), (str(case), near.max())


def test_seeds_give_what_is_recorded(library: Library, float8: str) -> None:
    recorded = golden.read()
    for call in golden.CALLS:
        for name, shape, seed in golden.cases(call):
            if name == float8 and shape in ((17, 31), (17, 31, 2)):
                codes = drawn(call.fill(library.empty(shape, float8), seed), library, float8)
                assert golden.digest(codes.astype(np.uint8)) == recorded[call.name][float8][golden.label(shape, seed)]


def test_the_kit_passes(library: Library, float8: str) -> None:
    own = [
        check
        for check in testing.checks(testing.Library(library.name, library.empty, library.to_numpy, (float8,)))
        if float8 in str(check)
    ]
    assert len(own) > len(CASES)
    for check in own:
        check()


def test_memory_of_any_form_is_filled(library: Library, float8: str) -> None:
    source = np.random.default_rng(0).standard_normal((6, 9)) * 100
    for form in FORMS[library.module]:
        for name, arguments in (
            ("normal_", {"rng": 0}),
            ("normal_", {"rng": np.random.default_rng(0)}),
            ("sparse_", {"sparsity": 0.5, "rng": 0}),
            ("orthogonal_", {"rng": 0}),
            ("constant_", {"val": 0.3}),
            ("eye_", {}),
            ("copy_", {"source": source}),
        ):
            x, _ = formed(library, (6, 9), float8, form)
            if getattr(x, "is_meta", False):
                continue
            plain = getattr(ai, name)(library.empty((6, 9), float8), **copy.deepcopy(arguments))
            filled = getattr(ai, name)(x, **copy.deepcopy(arguments))
            ours, theirs = (drawn(y, library, float8) for y in (filled, plain))
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{form}, {name}")


@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_", "sparse_"])
def test_own_generators_draw_within_the_bounds(name: str, library: Library, float8: str) -> None:
    case = DISTRIBUTIONS[name]
    for generator in (library.generator(3), np.random.default_rng(3)):
        values = library.to_numpy(case.fill(library.empty(case.shape, float8), generator)).astype(np.float64)
        assert np.isfinite(values).all()
        low, high = interval(case.name, case.shape, complete(case))
        assert (values >= low).all()
        assert (values <= high).all()
    wide = case.fill(np.empty(case.shape, "float32"), np.random.default_rng(3))
    bounded = case.name in ("uniform_", "trunc_normal_")
    expected = rounded(wide, float8, *((low, high) if bounded else (-math.inf, math.inf)))
    np.testing.assert_array_equal(decoded(bits(values, float8), float8), decoded(expected, float8))


def test_own_generators_give_every_number_its_share(library: Library, float8: str) -> None:
    x = ai.normal_(library.empty((400, 500), float8), rng=library.generator(5))
    numbers = finite(float8)
    numbers = np.concatenate([-numbers[:0:-1], numbers])
    shares = np.diff(stats.norm.cdf((numbers[1:] + numbers[:-1]) / 2), prepend=0.0, append=1.0)
    values = library.to_numpy(x).astype(np.float64)
    counts = np.bincount(np.searchsorted(numbers, values.ravel()), minlength=len(numbers))
    often = shares * values.size > 50
    expected = shares[often] * values.size
    chi = ((counts[often] - expected) ** 2 / expected).sum()
    assert stats.chi2.sf(chi, often.sum() - 1) > SIGNIFICANCE


def test_past_the_largest_number_is_nan_or_infinity(library: Library, float8: str) -> None:
    greatest = GREATEST[float8]
    x = ai.normal_(library.empty((100, 100), float8), 0.0, greatest, rng=0)
    expected = rounded(ai.normal_(np.empty((100, 100), "float32"), 0.0, greatest, rng=0), float8)
    np.testing.assert_array_equal(decoded(drawn(x, library, float8), float8), decoded(expected, float8))
    values = library.to_numpy(x).astype(float)
    assert (np.isinf(values) if has_infinity(float8) else np.isnan(values)).any()


@pytest.mark.parametrize("value", [0.3, -1e-9, -0.0, 1.0625 + 2.0**-40, math.nan, -240])
def test_constants_are_rounded_once(value: float, library: Library, float8: str) -> None:
    x = ai.constant_(library.empty((2, 3), float8), value)
    wide = math.copysign(1.125, value) if abs(value - 1.0625) == 2.0**-40 and "e4m3" in float8 else value
    wide = math.copysign(1.0, value) if abs(value - 1.0625) == 2.0**-40 and "e5m2" in float8 else wide
    np.testing.assert_array_equal(drawn(x, library, float8), np.full((2, 3), encoded(np.float64(wide), float8)))


def test_numbers_that_do_not_fit_are_refused(library: Library, float8: str) -> None:
    greatest = GREATEST[float8]
    x = library.full((2, 3), float8, 2)
    for call in (
        lambda: ai.constant_(x, greatest * 1.01),
        lambda: ai.uniform_(x, 0.0, greatest * 1.01),
        lambda: ai.uniform_(x, -greatest, greatest),
        lambda: ai.normal_(x, 0.0, greatest * 1.01),
        lambda: ai.trunc_normal_(x, 0.0, 1.0, 0.0, greatest * 1.01),
        lambda: ai.eye_(x, gain=greatest * 1.01),
        lambda: ai.orthogonal_(x, greatest * 1.01),
    ):
        with pytest.raises(ValueError, match=rf"fit dtype {float8}: .* within {greatest}$"):
            call()
    if has_infinity(float8):
        assert np.isinf(library.to_numpy(ai.constant_(library.empty((2,), float8), math.inf)).astype(float)).all()
    else:
        text = f"val=inf does not fit dtype {float8}: it must be within {greatest}"
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            ai.constant_(x, math.inf)
    with pytest.raises(ValueError, match=f"no {float8} lies between the bounds 1.01 and 1.02"):
        ai.uniform_(x, 1.01, 1.02)
    assert (library.to_numpy(x).astype(float) == 2).all()


def test_orthogonal_matrices_are_those_of_float32_rounded(library: Library, float8: str) -> None:
    for name in ("orthogonal_", "delta_orthogonal_"):
        case = FUNCTIONS[name]
        wide = case.fill(np.empty(case.shape, "float32"))
        ours = library.to_numpy(case.fill(library.empty(case.shape, float8))).astype(float)
        step = 2.0 ** -FORMATS[float8].precision
        np.testing.assert_allclose(ours, wide, rtol=step * 1.001, atol=2.0 ** (FORMATS[float8].emin - 2))


@pytest.mark.usefixtures("numpy_library")
@pytest.mark.parametrize("dtype", FLOAT8)
@pytest.mark.parametrize("wide", ["float32", "float64"])
def test_every_midpoint_and_its_neighbours_are_rounded_to_even(dtype: str, wide: str) -> None:
    numbers = finite(dtype)
    beyond = 2 * numbers[-1] - numbers[-2]
    middles = np.concatenate([(numbers[1:] + numbers[:-1]) / 2, numbers, [(numbers[-1] + beyond) / 2, beyond]])
    ends = [np.inf, np.nan, np.finfo(wide).max, np.finfo(wide).tiny, np.finfo(wide).smallest_subnormal]
    middles = np.concatenate([middles, ends]).astype(wide)
    with np.errstate(over="ignore"):
        near = [np.nextafter(middles, np.array(side, wide)) for side in (-math.inf, math.inf)]
    values = np.concatenate([middles, *near])
    values = np.concatenate([values, -values])
    np.testing.assert_array_equal(to_bits(np, values, FORMATS[dtype]).astype(np.uint8), encoded(values, dtype))
