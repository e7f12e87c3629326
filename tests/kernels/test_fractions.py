"""The short divisions of the kernels are exact: for each x, and for each approximation that an instruction may give."""

from __future__ import annotations

import ctypes
import math
import platform
import shutil
import subprocess

import numpy as np
import pytest
from cuda_on_host import SHIMS
from fractions_of_stream import FRACTIONS, bits_of_range
from programs import CASES, by_steps, words

from arrayinit.core.distributions import TruncatedNormal
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.cuda_program import factor
from arrayinit.kernels.cuda_text import COMMON
from arrayinit.stream.program import recorded

pytestmark = pytest.mark.usefixtures("numpy_library")

CHECK = r"""
float assumed;
float reciprocal(float x) { return assumed; }
COMMON
// Count the quotients that are wrong, for all x from one to the other by their bits, and for all near reciprocals.
extern "C" long long wrong(float w, float near_w, unsigned int first, unsigned int last, long long* pairs) {
    long long count = 0;
    for (unsigned int k = first; k <= last; k++) {
        float x = bits<float>(k), exact = w / x, near[3];
        int reciprocals = near_reciprocals(x, near);
        for (int i = 0; i < reciprocals; i++) assumed = near[i], count += fraction_(w, near_w, x) != exact;
        *pairs += reciprocals;
    }
    return count;
}
// The same for the correction that XLA computes, of quotients so many units in the last place away.
extern "C" long long wrong_away(int units, int terms, float w, unsigned int first, unsigned int last) {
    double inverse = 1.0 / (double) w;
    long long count = 0;
    for (unsigned int k = first; k <= last; k++) {
        float x = bits<float>(k), exact = w / x;
        double q = bits<float>(bits<int>(exact) + units), e = ((double) w - (double) x * q) * inverse;
        count += (float) (q + q * (terms == 1 ? e : e + e * e)) != exact;
    }
    return count;
}
"""


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if not shutil.which("g++"):
        pytest.skip("there is no g++ to compile for the host")
    folder = tmp_path_factory.mktemp("fractions")
    (folder / "check.cpp").write_text(SHIMS + CHECK.replace("COMMON", COMMON))
    # x86 has the fused operation in a later instruction set only.
    sets = ["-march=native"] if platform.machine() in ("x86_64", "AMD64") else []
    options = ("-O3", "-ffp-contract=off", "-w", "-shared", "-fPIC", "-std=c++17")
    subprocess.run(["g++", *sets, *options, "check.cpp", "-o", "check.so"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "check.so"))
    library.wrong.restype = library.wrong_away.restype = ctypes.c_longlong
    return library


def wrong(check: ctypes.CDLL, w: float, near: float) -> int:
    """Return for how many pairs of x and a near reciprocal the quotient is wrong."""
    first, last = bits_of_range(w)
    pairs = ctypes.c_longlong(0)
    floats, ends = map(ctypes.c_float, (w, near)), map(ctypes.c_uint, (first, last))
    count = check.wrong(*floats, *ends, ctypes.byref(pairs))
    assert pairs.value >= 2 * (last - first + 1) > 10**6
    return int(count)


@pytest.mark.parametrize("w", FRACTIONS)
def test_each_quotient_is_exact(w: float, check: ctypes.CDLL) -> None:
    assert wrong(check, w, factor(w)) == 0


def test_the_one_fraction_with_another_estimate_needs_it(check: ctypes.CDLL) -> None:
    (w,) = (w for w in FRACTIONS if factor(w) != w)
    assert wrong(check, w, w) == 3


@pytest.mark.parametrize("w", FRACTIONS)
def test_each_quotient_of_xla_is_exact_after_its_correction(w: float, check: ctypes.CDLL) -> None:
    # An approximate division may be wrong by two units.
    assert sum(wrong_away(check, units, 2, w) for units in (-8, -2, -1, 0, 1, 2, 8)) == 0


def test_one_term_of_that_series_is_not_enough(check: ctypes.CDLL) -> None:
    assert sum(wrong_away(check, units, 1, w) for w in FRACTIONS for units in (-2, 2)) > 0


def wrong_away(check: ctypes.CDLL, units: int, terms: int, w: float) -> int:
    """Return for how many x the quotient is wrong, if the approximate one is so many units away."""
    ends = map(ctypes.c_uint, bits_of_range(w))
    return int(check.wrong_away(units, terms, ctypes.c_float(w), *ends))


def test_no_draw_leaves_these_ranges() -> None:
    form = FORMATS["float32"]
    given, seen = words(form), set()
    ends = [TruncatedNormal(0.0, 1.0, -math.inf, bound) for bound in (-2.0, -36.999)]
    for law in [law for _, law, dtype in CASES if dtype == "float32"] + ends:
        draw = recorded(law, form)
        with np.errstate(all="ignore"):
            done = by_steps(draw, given)
        steps = draw.program.steps
        masks = {step.guard for step in steps} - {None}
        for step in steps:
            if step.name == "fraction":
                w, x = (done[k] for k in step.operands)
                if masks:
                    (mask,) = masks
                    # What is computed before the branch is not used where the branch is taken.
                    x = x[done[mask] == (step.guard is not None)]
                low, high = FRACTIONS[float(w)]
                assert low <= x.min() <= x.max() <= high, (law, float(w))
                seen.add(float(w))
    assert seen == FRACTIONS.keys()
