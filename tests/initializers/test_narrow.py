"""The 16-bit types get all their numbers, each as often as the distribution says, and none outside the bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pytest
from distributions import SIGNIFICANCE, MismatchError
from golden import Bits
from libraries import Library, no_such_case
from portable_calls import bits
from scipy import special, stats

import arrayinit

NARROW = ("float16", "bfloat16")
# A part of 16 M draws.
# Where no library has a say.
ON_NUMPY = pytest.mark.usefixtures("numpy_library")

PART = (2048, 2048)
FAN = 2048
STANDARD_ERRORS = 5
# A number is expected so many times, or more, for its frequency to be compared.
OFTEN = 1000


class Case(NamedTuple):
    """A function, its arguments and the distribution of its draws before they are rounded."""

    name: str
    arguments: tuple[Any, ...]
    distribution: Any
    parts: int = 4

    def fill(self, x: Any, rng: Any) -> Any:
        return getattr(arrayinit, self.name)(x, *self.arguments, rng=rng)


def uniform(low: float, high: float) -> Any:
    return stats.uniform(low, high - low)


def truncated(mean: float, std: float, low: float, high: float) -> Any:
    return stats.truncnorm((low - mean) / std, (high - mean) / std, mean, std)


# A part of the functions that scale these distributions is enough. Neither type holds 0.3, 0.7, 0.0703 or 0.1301.
CASES = {
    "uniform_(-1, 1)": Case("uniform_", (-1.0, 1.0), uniform(-1.0, 1.0)),
    "uniform_(0, 1)": Case("uniform_", (), uniform(0.0, 1.0)),
    "uniform_(-0.3, 0.7)": Case("uniform_", (-0.3, 0.7), uniform(-0.3, 0.7)),
    "normal_(0, 1)": Case("normal_", (), stats.norm()),
    "normal_(0, 0.02)": Case("normal_", (0.0, 0.02), stats.norm(0.0, 0.02)),
    "trunc_normal_": Case("trunc_normal_", (), truncated(0.0, 1.0, -2.0, 2.0)),
    "trunc_normal_(0.0703, 0.1301)": Case(
        "trunc_normal_", (0.12, 0.02, 0.0703, 0.1301), truncated(0.12, 0.02, 0.0703, 0.1301)
    ),
    "kaiming_uniform_": Case("kaiming_uniform_", (), uniform(-math.sqrt(6 / FAN), math.sqrt(6 / FAN)), 1),
    "xavier_normal_": Case("xavier_normal_", (), stats.norm(0.0, math.sqrt(1 / FAN)), 1),
    "lecun_normal_": Case(
        "lecun_normal_",
        (),
        truncated(0.0, *(math.sqrt(1 / FAN) / stats.truncnorm(-2, 2).std() * k for k in (1, -2, 2))),
        1,
    ),
}


class Census(NamedTuple):
    """How often each finite number of a type was drawn, in ascending order of the numbers."""

    numbers: np.ndarray
    counts: np.ndarray

    @property
    def drawn(self) -> np.ndarray:
        return self.numbers[self.counts > 0]


def census(dtype: str, patterns: Iterable[np.ndarray]) -> Census:
    """Count arrays of the patterns of bits."""
    every = np.arange(1 << 16, dtype=np.uint16)
    wide = every.view(np.float16) if dtype == "float16" else (every.astype(np.uint32) << 16).view(np.float32)
    counts = sum(np.bincount(part.ravel(), minlength=1 << 16) for part in patterns)
    with np.errstate(invalid="ignore"):  # signaling NaNs
        wide = wide.astype(np.float64)
    assert not counts[~np.isfinite(wide)].any()
    # Both zeros are one number.
    numbers, place = np.unique(wide[np.isfinite(wide)], return_inverse=True)
    return Census(numbers, np.bincount(place, counts[np.isfinite(wide)]).astype(np.int64))


def by_seed(case: Case, dtype: str) -> Census:
    """Count what seeds give on NumPy, and so on every library."""

    def patterns(seed: int) -> np.ndarray:
        x = case.fill(Bits(PART) if dtype == "bfloat16" else np.empty(PART, dtype), seed)
        return x.numbers if dtype == "bfloat16" else x.view(np.uint16)

    return census(dtype, map(patterns, range(case.parts)))


def by_generator(case: Case, dtype: str, library: Library) -> Census:
    """Count what the generators of the library draw; torch's own are torch's in 16 bits too, so there NumPy's."""
    generator: Callable[[int], Any] = np.random.default_rng if library.module == "torch" else library.generator

    def patterns(seed: int) -> np.ndarray:
        return bits(library.to_numpy(case.fill(library.empty(PART, dtype), generator(seed))), dtype)

    # The mutants are found in one part. What rounds is the same for a seed, of which all parts are counted.
    return census(dtype, [patterns(0)])


def shares(grid: np.ndarray, distribution: Any) -> np.ndarray:
    """Return the probability of each number of ``grid`` once draws are rounded to the nearest of them."""
    return np.diff(distribution.cdf((grid[1:] + grid[:-1]) / 2), prepend=0.0, append=1.0)


def check(found: Census, distribution: Any) -> None:
    """Raise MismatchError unless the numbers are those of the rounded distribution: bounds, mean and frequencies."""
    low, high = distribution.support()
    inside = (found.numbers >= low) & (found.numbers <= high)
    grid, counts = found.numbers[inside], found.counts[inside]
    size, share = int(found.counts.sum()), shares(grid, distribution)
    if found.drawn[0] < low or found.drawn[-1] > high:
        raise MismatchError(f"[{found.drawn[0]}, {found.drawn[-1]}] leaves [{low}, {high}]")
    # The mean after rounding is exact, whether rounding is biased (at the bounds, and where the spacing changes) or
    # not; the grid of the float32 numbers that are rounded moves it by some 1e-3 standard errors.
    mean = share @ grid
    error = abs(counts @ grid / size - mean) / math.sqrt(share @ (grid - mean) ** 2 / size)
    if error > STANDARD_ERRORS:
        raise MismatchError(f"the mean is {error:.1f} standard errors off")
    # The coarse numbers, the ends of an interval among them; those near zero lie as close to each other as the float32
    # numbers that are rounded to them.
    coarse = size * share >= OFTEN
    seen, expected = counts[coarse], size * share[coarse]
    if not seen.all():
        raise MismatchError(f"{np.count_nonzero(seen == 0)} of {seen.size} numbers were never drawn")
    statistic = ((seen - expected) ** 2 / expected).sum()
    if stats.chi2.sf(statistic, seen.size) < SIGNIFICANCE:
        raise MismatchError(f"chi-square of {statistic:.0f} for {seen.size} numbers")


@ON_NUMPY
@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("case", CASES)
def test_a_seed_draws_the_rounded_distribution(case: str, dtype: str) -> None:
    check(by_seed(CASES[case], dtype), CASES[case].distribution)


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("case", CASES)
def test_a_generator_draws_the_rounded_distribution(case: str, dtype: str, library: Library) -> None:
    if dtype not in library.dtypes:
        no_such_case(f"{library.name} has no {dtype}")
    check(by_generator(CASES[case], dtype, library), CASES[case].distribution)


FOUR_MILLION = CASES["normal_(0, 1)"]._replace(parts=1)
LEAST = pytest.mark.parametrize(("dtype", "least"), [("float16", 25_000), ("bfloat16", 4_000)])


@ON_NUMPY
@LEAST
def test_four_million_standard_normals_of_a_seed_hold_most_numbers(dtype: str, least: int) -> None:
    assert len(by_seed(FOUR_MILLION, dtype).drawn) > least


@LEAST
def test_four_million_standard_normals_of_a_generator_hold_most_numbers(
    dtype: str, least: int, library: Library
) -> None:
    if dtype not in library.dtypes:
        no_such_case(f"{library.name} has no {dtype}")
    assert len(by_generator(FOUR_MILLION, dtype, library).drawn) > least


def rounded(x: np.ndarray, add: int = 1 << 15) -> np.ndarray:
    """Return float32 numbers as the patterns of bfloat16, rounded to nearest, or otherwise."""
    return (x.view(np.uint32) + np.uint32(add) >> 16).astype(np.uint16)


def of_128(z: np.ndarray) -> np.ndarray:
    return rounded(special.ndtri((np.floor(special.ndtr(z.astype(np.float64)) * 128) + 0.5) / 128).astype(np.float32))


# What could be done with float32 numbers to make bfloat16 of them, and what is said of it.
MUTANTS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray], str]] = {
    "cut off": ("uniform_(0, 1)", lambda x: rounded(x, 0), "mean"),
    "the upper bound folded onto the lower, as torch does": (
        "uniform_(-1, 1)",
        lambda x: np.where(rounded(x) == 0x3F80, 0xBF80, rounded(x)),
        "mean",
    ),
    "128 numbers, as JAX has": ("normal_(0, 1)", of_128, "never drawn"),
    "away from zero": ("uniform_(-1, 1)", lambda x: rounded(x, 0xFFFF), "chi-square"),
    "past the bound": ("uniform_(0, 1)", lambda x: rounded(np.append(x, np.float32(1.01))), "leaves"),
}


def by_numpy(case: str) -> np.ndarray:
    return CASES[case].fill(np.empty(PART, np.float32), np.random.default_rng(0)).ravel()


@ON_NUMPY
@pytest.mark.parametrize("case", ["uniform_(-1, 1)", "uniform_(0, 1)", "normal_(0, 1)"])
def test_sound_numbers_pass(case: str) -> None:
    check(census("bfloat16", [rounded(by_numpy(case))]), CASES[case].distribution)


@ON_NUMPY
@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_fail(mutant: str) -> None:
    case, narrow, complaint = MUTANTS[mutant]
    with pytest.raises(MismatchError, match=complaint):
        check(census("bfloat16", [narrow(by_numpy(case))]), CASES[case].distribution)
