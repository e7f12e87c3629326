"""What the command line measures: standard errors, and the time to compile."""

import math

import numpy as np
import pytest

import arrayinit
from arrayinit.cli.measure import deviation, measure
from arrayinit.cli.models import gpt2, resnet50
from arrayinit.cli.targets import targets


def test_a_wrong_constant_is_noticed():
    ones = next(p for p in gpt2() if p.name == "ln_f.weight")
    assert deviation(np.ones(768, np.float32), ones) == 0
    assert deviation(np.zeros(768, np.float32), ones) == math.inf
    (target,) = targets(["numpy"])
    spoiled = ones._replace(fill=lambda x, _: arrayinit.zeros_(x))
    assert not measure("gpt2", [spoiled], target, lambda: None).ok


def test_standard_errors_are_standard_errors():
    fc = next(p for p in resnet50() if p.name == "fc.bias")
    rng = np.random.default_rng(0)
    bound = 1 / math.sqrt(2048)
    errors = [deviation(rng.uniform(-bound, bound, 1000).astype(np.float32), fc) for _ in range(2000)]
    assert np.std(errors) == pytest.approx(1, abs=5 / math.sqrt(2 * 2000))


@pytest.mark.parametrize("compiles", [True, False])
def test_the_time_to_compile_is_told_apart(compiles, monkeypatch):
    (target,) = targets(["numpy"])
    calls, clock = [], [0.0]
    monkeypatch.setattr("arrayinit.cli.measure.perf_counter", lambda: clock[0])

    def slow_at_first(x, _):
        clock[0] += 1.0 if x.shape in calls else 11.0
        calls.append(x.shape)
        return arrayinit.ones_(x)

    ones = next(p for p in gpt2() if p.name == "ln_f.weight")._replace(fill=slow_at_first)
    parameters = [ones._replace(name=str(i), shape=(n,)) for i, n in enumerate((8, 9, 8))]
    row = measure("gpt2", parameters, target._replace(compiles=compiles), lambda: None)
    assert (row.seconds, row.compile_seconds) == ((3, 20) if compiles else (23, 0))
    # A second call for each kind, and none for the third array, which is like the first.
    assert len(calls) == (5 if compiles else 3)
