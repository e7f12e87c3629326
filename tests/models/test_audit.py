"""The audit finds each planted fault in tensors of 100,000 elements, and nothing in right models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases import FUNCTIONS, Case, value_of

import arrayinit as ai

SIZE = (400, 250)
RULES: list[Any] = [
    ("embedding", ai.normal(std=0.02)),
    ("first.weight", ai.kaiming_uniform(layout="OI")),
    ("second.weight", ai.trunc_normal(std=0.02, a=-0.04, b=0.04)),
    ("bias", ai.zeros()),
]


def model() -> dict[str, Any]:
    arrays = {f"{name}.weight": np.empty(SIZE, np.float32) for name in ("first", "second")}
    arrays |= {"embedding": np.empty(SIZE, np.float16), "bias": np.empty(7, np.float32)}
    return ai.initialize(arrays, RULES, rng=3)


def change(name: str, by: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def plant(arrays: dict[str, Any]) -> None:
        arrays[name][...] = by(arrays[name].astype(np.float64))

    return plant


def one(name: str, value: float) -> Callable[[dict[str, Any]], None]:
    def plant(arrays: dict[str, Any]) -> None:
        arrays[name][3, 5] = value

    return plant


def equal(arrays: dict[str, Any]) -> None:
    arrays["second.weight"][...] = arrays["first.weight"]


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a std 3 % too large": (
        change("embedding", lambda x: 1.03 * x),
        "embedding: the std is 0.02064 in place of the expected 0.02 of normal(std=0.02)",
    ),
    "a std 3 % too small": (change("first.weight", lambda x: 0.97 * x), "first.weight: the std is"),
    "the other fan": (change("first.weight", lambda x: x * (250 / 400) ** 0.5), "first.weight: the std is"),
    "a mean": (change("first.weight", lambda x: x + 0.002), "first.weight: the mean is"),
    "two equal tensors": (equal, "second.weight: its values are equal to those of first.weight"),
    "NaN": (one("first.weight", np.nan), "first.weight: 1 of 100000 elements are NaN"),
    "an infinity": (one("embedding", -np.inf), "embedding: 1 of 100000 elements are infinite"),
    "a constant": (change("embedding", lambda x: 0 * x + 0.5), "embedding: all elements are 0.5, and not draws"),
    "an underflow": (change("embedding", lambda x: x * 1e-6), "elements are zero by underflow"),
    "a value past the bounds": (one("second.weight", 0.0401), "second.weight: the values from -0.04 to 0.0401 leave"),
    "a bias that is not zero": (change("bias", lambda x: x + 1e-30), "bias: the values are not those of zeros()"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_nothing_else(name: str) -> None:
    plant, expected = FAULTS[name]
    arrays = model()
    plan = ai.plan(arrays, RULES)
    assert plan.audit(arrays).ok
    plant(arrays)
    audit = plan.audit(arrays)
    assert not audit.ok
    assert any(expected in fault for fault in audit.faults), audit.faults
    assert len({fault.partition(":")[0] for fault in audit.faults}) == 1
    assert audit.faults[0] in str(audit)


def test_any_model_can_be_audited() -> None:
    arrays = model()
    plan = ai.plan(arrays, [("**", ai.keep())])
    assert plan.audit(arrays).ok
    equal(arrays)
    arrays["bias"][0] = np.nan
    assert [fault.partition(":")[0] for fault in plan.audit(arrays).faults] == ["second.weight", "bias"]


def test_tied_arrays_and_equal_constants_are_right() -> None:
    tied = np.empty(SIZE, np.float32)
    arrays = {"a": tied, "b": tied, "c": np.empty(3), "d": np.empty(3)}
    rules = [("a", ai.normal()), ("*", ai.ones())]
    assert ai.plan(ai.initialize(arrays, rules, rng=1), rules).audit(arrays).ok


# Sizes at which the tests of an audit differ: few draws, and many.
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (8, 8), (40, 30), (128, 100)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64"])
def test_right_models_have_no_faults(shape: tuple[int, ...], dtype: str) -> None:
    for seed in range(5):
        arrays, rules = {}, []
        for number, case in enumerate(case for case in FUNCTIONS.values() if fits(case, dtype)):
            sizes = shape if len(case.shape) == 2 else (*shape, *(3,) * (len(case.shape) - 2))
            arrays[f"{number}"] = np.empty(sizes, dtype)
            rules.append((f"^{number}", located(case)))
        audit = ai.plan(arrays, rules).audit(ai.initialize(arrays, rules, rng=seed))
        assert audit.ok, audit.faults


def fits(case: Case, dtype: str) -> bool:
    """Whether a function can fill an array of this dtype, and of any size."""
    name = case.name.removesuffix("_")
    is_complex = dtype.startswith("complex")
    return name not in ("copy", "delta_orthogonal", "dirac", "eye") and not (is_complex and name == "trunc_normal")


def located(case: Case) -> Any:
    """Return the value with the layout of its function."""
    value = value_of(case)
    return value.replace(layout="OI...") if value.has_fans and value.arguments["layout"] is None else value


def test_a_measurement_says_what_it_measured() -> None:
    x = np.random.default_rng(0).normal(2.0, 3.0, (100, 50))
    row = ai.plan({"x": x}, [("x", ai.keep())]).audit({"x": x}).rows[0]
    assert row.measured.mean == pytest.approx(x.mean())
    assert row.measured.std == pytest.approx(x.std())
    assert (row.measured.least, row.measured.greatest) == (x.min(), x.max())
    assert row.measured.kurtosis == pytest.approx(((x - x.mean()) ** 4).mean() / x.var() ** 2)


def test_a_copy_of_a_plan_from_json_is_audited_by_its_digest() -> None:
    source = np.arange(6.0, dtype=np.float32)
    arrays = ai.initialize({"a": np.empty(6, np.float32)}, [("a", source)])
    kept = ai.Plan.from_json(ai.plan(arrays, [("a", source)]).to_json())
    assert kept.audit(arrays).ok
    arrays["a"][3] = 9.0
    assert kept.audit(arrays).faults == [
        "a: the values are not those of the copy of an array 6 that JSON does not hold"
    ]
    assert ai.plan(arrays, [("a", source.view(np.int32))]) != ai.plan(arrays, [("a", source)])
