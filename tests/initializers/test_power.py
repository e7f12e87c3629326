"""The tests of distributions can fail: each mutant is caught."""

import math

import numpy as np
import pytest
from distributions import SIZE, MismatchError, check, truncated_normal, truncated_square
from scipy import stats

import arrayinit
import arrayinit.initializers.kaiming
from arrayinit.core.distributions import Normal, TruncatedNormal

pytestmark = pytest.mark.usefixtures("numpy_library")

TRUNCATED = truncated_normal(0.0, 1.0, -2.0, 2.0)
CORRECTION = float(TRUNCATED.std())
FAN_IN, FAN_OUT = 200, 225


def draws(kind):
    rng = np.random.default_rng(99)
    z = rng.standard_normal(SIZE)
    u = rng.uniform(-1, 1, SIZE)
    t = TRUNCATED.ppf(rng.random(SIZE))
    return {
        "sound normal": (z, stats.norm()),
        "sound uniform": (u, stats.uniform(-1, 2)),
        "sound truncated": (t, TRUNCATED),
        "uncorrected truncation": (t, stats.norm(0, 1)),
        "corrected where it must not be": (t / CORRECTION, TRUNCATED),
        "clipped instead of truncated": (np.clip(z, -2, 2), TRUNCATED),
        "swapped fans": (z / math.sqrt(FAN_OUT), stats.norm(0, 1 / math.sqrt(FAN_IN))),
        "swapped mean and std": (0.5 + 2.0 * z, stats.norm(2.0, 0.5)),
        "variance 2 % off": (z * math.sqrt(1.02), stats.norm()),
        "variance 2 % off, uniform": (np.clip(u * math.sqrt(0.98), -1, 1), stats.uniform(-1, 2)),
        "one-sided uniform": (np.abs(u), stats.uniform(-1, 2)),
        "uniform for normal": (u * math.sqrt(3), stats.norm()),
        "mean 0.02 off": (z + 0.02, stats.norm()),
        "outside the bounds": (np.append(t, 2.0000001), TRUNCATED),
        "one infinite value": (np.append(z, np.inf), stats.norm()),
        "too coarse": (np.round(u * 20) / 20, stats.uniform(-1, 2)),
    }[kind]


@pytest.mark.parametrize("kind", ["normal", "uniform", "truncated"])
def test_sound_draws_pass(kind):
    check(*draws(f"sound {kind}"))


@pytest.mark.parametrize(
    "mutant",
    [
        "uncorrected truncation",
        "corrected where it must not be",
        "clipped instead of truncated",
        "swapped fans",
        "swapped mean and std",
        "variance 2 % off",
        "variance 2 % off, uniform",
        "one-sided uniform",
        "uniform for normal",
        "mean 0.02 off",
        "outside the bounds",
        "one infinite value",
        "too coarse",
    ],
)
def test_mutants_fail(mutant):
    with pytest.raises(MismatchError):
        check(*draws(mutant))


def swap_fans(monkeypatch):
    sound = arrayinit.initializers.kaiming.fans_of
    monkeypatch.setattr(arrayinit.initializers.kaiming, "fans_of", lambda *given: sound(*given)[::-1])
    return lambda x, rng: arrayinit.kaiming_normal_(x, rng=rng), stats.norm(0, math.sqrt(2 / FAN_IN))


def swap_mean_and_std(monkeypatch):
    monkeypatch.setattr(Normal, "of", classmethod(lambda cls, mean, std: cls(std, mean)))
    return lambda x, rng: arrayinit.normal_(x, 2.0, 0.5, rng=rng), stats.norm(2.0, 0.5)


def scale_the_variance(monkeypatch):
    monkeypatch.setattr(Normal, "of", classmethod(lambda cls, mean, std: cls(mean, std * math.sqrt(1.02))))
    return lambda x, rng: arrayinit.normal_(x, rng=rng), stats.norm()


def forget_the_truncation(monkeypatch):
    monkeypatch.setattr(
        TruncatedNormal, "between", classmethod(lambda cls, mean, std, a, b: Normal(mean, std * CORRECTION))
    )
    return lambda x, rng: arrayinit.trunc_normal_(x, rng=rng), TRUNCATED


def forget_the_correction(monkeypatch):
    monkeypatch.setattr("arrayinit.core.distributions.TRUNCATED_STD", 1.0)
    before = math.sqrt(1 / FAN_IN) / CORRECTION
    return lambda x, rng: arrayinit.lecun_normal_(x, rng=rng), stats.truncnorm(-2, 2, 0, before)


def take_jax_s_correction(monkeypatch):
    """Its variance is 1.9 % too large."""
    monkeypatch.setattr("arrayinit.core.distributions.TRUNCATED_COMPLEX_STD", 0.95311164380491208)
    distribution = truncated_square(1 / FAN_IN)

    def squares(x, rng):
        return np.minimum(abs(arrayinit.lecun_normal_(x.astype(complex), rng=rng)) ** 2, distribution.support()[1])

    return squares, distribution


@pytest.mark.parametrize(
    "mutate",
    [
        swap_fans,
        swap_mean_and_std,
        scale_the_variance,
        forget_the_truncation,
        forget_the_correction,
        take_jax_s_correction,
    ],
)
def test_mutants_of_the_library_fail(mutate, monkeypatch):
    # What sound functions have decided is kept.
    monkeypatch.setattr("arrayinit.initializers.fill._prepared", {})
    fill, distribution = mutate(monkeypatch)
    with pytest.raises(MismatchError):
        check(fill(np.empty((SIZE // FAN_IN, FAN_IN)), np.random.default_rng(0)), distribution)
    monkeypatch.undo()
    check(fill(np.empty((SIZE // FAN_IN, FAN_IN)), np.random.default_rng(0)), distribution)
