"""Models that start from a checkpoint in memory: what is loaded, and what the rules do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pretrained_calls import RULES, checkpoint, model, refusal, same

import arrayinit as ai

pytestmark = pytest.mark.usefixtures("numpy_library")


def test_half_of_a_checkpoint_leaves_the_rest_as_from_scratch() -> None:
    scratch, given = ai.initialize(model(), RULES, rng=3), checkpoint("a.weight", "b.bias", "c.weight")
    same(ai.initialize(model(), RULES, rng=3, pretrained=given), {**scratch, **given})


def test_the_plan_tells_what_is_loaded() -> None:
    plan = ai.plan(model(), RULES, pretrained=checkpoint("a.weight", "b.bias", "c.weight"))
    assert [step.source for step in plan] == [
        "pretrained",
        "rule 1 'bias'",
        "rule 0 'weight'",
        *["pretrained"] * 2,
        "rule 1 'bias'",
    ]
    assert re.search(r"^a\.weight +4x3 +- +loaded +- +pretrained +a\.weight$", str(plan), re.MULTILINE)


def test_a_rule_is_used_though_all_that_it_would_take_is_loaded() -> None:
    given = checkpoint()
    same(ai.initialize(model(), RULES, pretrained=given), given)
    same(ai.initialize(model(), [], pretrained=given), given)
    assert "rule 0 'd.weight' matches nothing" in refusal(given, [("d.weight", ai.zeros())])


def test_what_the_checkpoint_has_is_loaded_whatever_the_rules_say() -> None:
    given = checkpoint("a.weight")
    rules = [("a.weight", ai.keep()), *RULES]
    np.testing.assert_array_equal(ai.initialize(model(), rules, pretrained=given)["a.weight"], given["a.weight"])


def test_a_checkpoint_may_be_nested() -> None:
    flat = checkpoint()
    nested = {part: {last: flat[f"{part}.{last}"] for last in ("weight", "bias")} for part in "abc"}
    same(ai.initialize(model(), RULES, pretrained=nested), flat)
    same(ai.initialize(model(), RULES, pretrained=list(flat.items())), flat)


def test_an_archive_of_numpy_is_read_array_by_array(tmp_path: Path) -> None:
    given = checkpoint("a.weight", "b.bias")
    np.savez_compressed(tmp_path / "some.npz", **given)
    expected = ai.initialize(model(), RULES, rng=3, pretrained=given)
    same(ai.initialize(model(), RULES, rng=3, pretrained=tmp_path / "some.npz"), expected)
    with np.load(tmp_path / "some.npz") as archive:
        same(ai.initialize(model(), RULES, rng=3, pretrained=archive), expected)
        plan, empty = ai.plan(model(), RULES, pretrained=archive), model()
    with pytest.raises(ValueError, match="the archive of the checkpoint is closed"):
        ai.initialize(empty, plan, rng=3)
    assert all(np.isnan(array).all() for array in empty.values())
    assert ai.plan(model(), RULES, pretrained=str(tmp_path / "some.npz"))[0].source == "some.npz"


def test_tensors_of_another_shape_are_left_to_the_rules() -> None:
    given = {**checkpoint(), "b.weight": np.ones((9, 4), "float32")}
    made = ai.initialize(model(), RULES, rng=3, pretrained=given, on_mismatch="initialize")
    same(made, {**given, "b.weight": ai.initialize(model(), RULES, rng=3)["b.weight"]})


def test_a_function_fits_tensors_of_another_shape() -> None:
    given = {**checkpoint(), "b.weight": np.arange(24, dtype="float32").reshape(6, 4)}
    seen = []

    def first_rows(value: Any, p: Any) -> Any:
        seen.append((value.shape, p.name, p.shape))
        return value[: p.shape[0]]

    made = ai.initialize(model(), RULES, pretrained=given, on_mismatch=first_rows)
    same(made, {**given, "b.weight": given["b.weight"][:5]})
    assert seen == [((6, 4), "b.weight", (5, 4))]
    zeros = ai.initialize(model(), RULES, pretrained=given, on_mismatch=lambda value, p: ai.zeros())
    assert not zeros["b.weight"].any()
    assert ai.plan(model(), RULES, pretrained=given, on_mismatch=first_rows)[2].source == "on_mismatch"


def test_numbers_are_rounded_once() -> None:
    wide = {name: array.astype("float64") + 1e-9 for name, array in checkpoint().items()}
    made = ai.initialize(model(), RULES, pretrained=wide)
    same(made, {name: array.astype("float32") for name, array in wide.items()})


def test_an_array_under_two_names_may_be_saved_under_either_or_both() -> None:
    shared = np.full((2, 3), np.nan, "float32")
    tied, value = {"a": shared, "b": shared}, np.arange(6, dtype="float32").reshape(2, 3)
    for given in ({"a": value}, {"b": value}, {"a": value, "b": value.copy()}):
        shared.fill(np.nan)
        ai.initialize(tied, [], pretrained=given)
        np.testing.assert_array_equal(shared, value)
    shared.fill(np.nan)
    with pytest.raises(ValueError, match="these are tied in the model, and have different values in the checkpoint: b"):
        ai.initialize(tied, [], pretrained={"a": value, "b": value + 1})
    assert np.isnan(shared).all()


def test_names_are_looked_up_as_they_are_renamed() -> None:
    given = {f"net.{name}": array for name, array in checkpoint().items()}
    same(ai.initialize(model(), [], pretrained=given, rename=[("^", "net.")]), checkpoint())
    # The seeds are those of the names in the checkpoint.
    half = {"net.a.weight": given["net.a.weight"]}
    made = ai.initialize(model(), RULES, rng=3, pretrained=half, rename=[("^", "net.")])
    scratch = ai.initialize(model(), RULES, rng=3, rename=[("^", "net.")])
    same(made, {**scratch, "a.weight": given["net.a.weight"]})


def test_a_plan_loads_again_and_its_json_is_told_the_checkpoint() -> None:
    given = checkpoint("a.weight", "c.bias")
    plan = ai.plan(model(), RULES, pretrained=given)
    expected = ai.initialize(model(), plan, rng=3)
    same(ai.initialize(model(), RULES, rng=3, pretrained=given), expected)
    text = plan.to_json()
    assert len(text) < 2000
    kept = ai.Plan.from_json(text)
    assert kept == plan
    with pytest.raises(ValueError, match=r"pass the checkpoint as pretrained=, for a\.weight, c\.bias"):
        ai.initialize(model(), kept, rng=3)
    same(ai.initialize(model(), kept, rng=3, pretrained=given), expected)
    other = {name: array + 1 for name, array in given.items()}
    np.testing.assert_array_equal(ai.initialize(model(), plan, rng=3, pretrained=other)["c.bias"], other["c.bias"])
    for wrong in ({}, {**given, "c.bias": np.ones(3, "float32")}, {**given, "c.bias": np.ones(2, "float64")}):
        with pytest.raises(ValueError, match=r"the plan loads|the plan has"):
            ai.initialize(model(), kept, pretrained=wrong)
    with pytest.raises(TypeError, match="the plan loads no tensor: pass pretrained= to plan"):
        ai.initialize(model(), ai.plan(model(), RULES), pretrained=given)
    with pytest.raises(TypeError, match=r"pass on_mismatch= to plan\(\)"):
        ai.initialize(model(), plan, on_mismatch="initialize")


def test_the_audit_knows_what_was_loaded() -> None:
    given = {**checkpoint(), "a.weight": np.full((4, 3), 7.0, "float32")}
    plan = ai.plan(model(), RULES, pretrained=given)
    filled = ai.initialize(model(), plan)
    assert plan.audit(filled).ok
    assert ai.Plan.from_json(plan.to_json()).audit(filled).ok
    filled["a.weight"][0, 0] = 8.0
    assert plan.audit(filled).faults == ["a.weight: the values are not those of the checkpoint"]
