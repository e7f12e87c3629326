"""What is refused, all problems at once, before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rule_mutations import unnoticed

import arrayinit as ai

Rules = list[Any]


def model() -> dict[str, Any]:
    shapes = {"0.weight": (4, 3), "0.bias": (4,), "1.weight": (2, 4), "1.bias": (2,), "norm.weight": (2,)}
    return {f"layers.{name}": np.full(shape, 7.0, np.float32) for name, shape in shapes.items()}


def digest(arrays: dict[str, Any]) -> str:
    return hashlib.sha256(b"".join(x.tobytes() for x in arrays.values())).hexdigest()


def right() -> Rules:
    return [("bias", ai.zeros()), ("norm.weight", ai.ones()), ("weight", ai.normal(std=0.02))]


def ints() -> dict[str, Any]:
    return {**model(), "layers.steps": np.zeros(2, np.int64)}


Case = tuple[Callable[[], dict[str, Any]], Rules, list[str]]

CASES: dict[str, Case] = {
    "no rule": (model, [], ["5 of 5 parameters match no rule: layers.0.weight, layers.0.bias"]),
    "one is left out": (model, right()[1:], ["2 of 5 parameters match no rule: layers.0.bias, layers.1.bias"]),
    "a letter too few": (
        model,
        [("bia", ai.zeros()), *right()],
        ["rule 0 'bia' matches nothing; near: bias"],
    ),
    "a letter changed": (
        model,
        [*right()[:2], ("wieght", ai.normal())],
        ["2 of 5", "rule 2 'wieght' matches nothing; near: weight"],
    ),
    "a rule after one that takes all": (
        model,
        [("weight", ai.normal()), *right()],
        [
            "rule 2 'norm.weight' never applies: rule 0 'weight' comes first",
            "rule 3 'weight' never applies: rule 0 'weight' comes first",
        ],
    ),
    "a rule after two": (
        model,
        [("0.weight", ai.normal()), *right(), ("**", ai.zeros())],
        ["rule 4 '**' never applies: rule 0 '0.weight', rule 1 'bias', rule 2 'norm.weight', ... come first"],
    ),
    "fans without a layout": (
        model,
        [*right()[:2], ("weight", ai.xavier_normal())],
        ["rule 2 'weight' on 'layers.0.weight': xavier_normal() needs the layout of an array of shape (4, 3)"],
    ),
    "a bias under fans": (
        model,
        [("bias", ai.kaiming_uniform()), *right()[1:]],
        ["rule 0 'bias' on 'layers.0.bias': kaiming_uniform() depends on the inputs and outputs of a weight"],
    ),
    "a layout that does not fit": (
        model,
        [*right()[:2], ("weight", ai.xavier_normal(layout="OIH"))],
        ["on 'layers.1.weight': x of shape (2, 4) has 2 axes, but layout 'OIH' needs 3"],
    ),
    "a matrix only": (
        model,
        [("bias", ai.eye(layout="OI")), *right()[1:]],
        ["on 'layers.0.bias': eye_ needs a matrix"],
    ),
    "random integers": (ints, [*right(), ("steps", ai.normal())], ["on 'layers.steps'", "int64"]),
    "a bound too large": (
        lambda: {"a": np.zeros(3, np.float16)},
        [("a", ai.uniform(-1e6, 1e6))],
        ["on 'a': the bounds -1000000.0 and 1000000.0 do not fit dtype float16"],
    ),
    "an array of another shape": (
        model,
        [("bias", np.zeros(4)), *right()[1:]],
        ["on 'layers.1.bias': source has shape (4,), but x has shape (2,)"],
    ),
    "an array of another kind": (
        ints,
        [*right(), ("steps", np.full(2, 0.5))],
        ["on 'layers.steps'"],
    ),
    "a function that fails": (
        model,
        [*right()[:2], ("weight", lambda p: ai.normal(std=1 / p["layer"]))],
        ["on 'layers.0.weight': the rule of 'layers.0.weight' has no capture 'layer'; its captures: none"],
    ),
    "a function of unknown fans": (
        model,
        [*right()[:2], ("weight", lambda p: ai.normal(std=p.fan_in**-0.5))],
        ["on 'layers.0.weight': 'layers.0.weight' of shape (4, 3) has no known layout, and therefore no fans"],
    ),
    "a function that divides by zero": (
        model,
        [*right()[:2], ("layers.{i}.weight", lambda p: ai.normal(std=1 / p["i"]))],
        ["on 'layers.0.weight': division by zero"],
    ),
    "a function that returns nothing": (
        model,
        [*right()[:2], ("weight", lambda p: None)],
        ["on 'layers.0.weight' and 1 more: a value must be an initializer such as normal(std=0.02)", "got None"],
    ),
    "a function that returns a wrong argument": (
        model,
        [*right()[:2], ("weight", lambda p: ai.normal(std=-1.0))],
        ["on 'layers.0.weight' and 1 more: std must be at least 0, got -1.0"],
    ),
    "a slip in a tied name": (
        lambda: {"a": (x := np.zeros((2, 2))), "b": x},
        [("a", ai.normal()), ("b", ai.zeros())],
        ["rule 1 'b' never applies: b is tied to a"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_broken_list_is_refused_and_nothing_is_written(name: str) -> None:
    make, rules, expected = CASES[name]
    arrays = make()
    before = digest(arrays)
    with pytest.raises(ValueError, match="rule") as refused:
        ai.initialize(arrays, rules, rng=0)
    assert digest(arrays) == before
    for text in expected:
        assert text in str(refused.value)
    with pytest.raises(ValueError, match="rule") as planned:
        ai.plan(arrays, rules)
    assert str(planned.value) == str(refused.value)


def test_all_problems_come_together() -> None:
    rules = [("bia", ai.zeros()), ("norm.weight", ai.xavier_normal()), ("weight", lambda p: 3)]
    with pytest.raises(ValueError, match="rule") as refused:
        ai.plan(model(), rules)
    # The two weights have the same problem.
    assert len(str(refused.value).splitlines()) == 4
    assert "rule 2 'weight' on 'layers.0.weight' and 1 more: a value must be" in str(refused.value)


def test_two_names_must_not_become_one() -> None:
    arrays = {"a.kernel": np.zeros((2, 2)), "a.weight": np.zeros((2, 2))}
    with pytest.raises(ValueError, match=r"'a.kernel' and 'a.weight' have one name for their seeds, 'a.weight'"):
        ai.plan(arrays, [("*", ai.normal())], rename="torch")
    with pytest.raises(TypeError, match="rename must be 'torch', a mapping"):
        ai.plan(arrays, [("*", ai.normal())], rename="flax")


@pytest.mark.parametrize("rng", [True, 1.5, "seed", object(), -1])
def test_a_wrong_rng_is_refused_before_anything_is_written(rng: Any) -> None:
    arrays = model()
    before = digest(arrays)
    with pytest.raises((TypeError, ValueError)):
        ai.initialize(arrays, right(), rng=rng)
    assert digest(arrays) == before


@pytest.mark.parametrize(
    "given", [3, None, "model", np.zeros((2, 2)), [1, 2], [("a", np.zeros(2)), ("a", np.zeros(2))]]
)
def test_what_is_no_model_is_refused(given: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"a model must be|stands for a model"):
        ai.plan(given, [("**", ai.zeros())])


def test_a_model_that_differs_from_the_plan_is_refused() -> None:
    plan = ai.plan(model(), right())
    others = {
        "no parameter of these names, which the plan has: layers.0.bias": lambda m: m.pop("layers.0.bias"),
        "no parameter of these names, which the model has: new": lambda m: m.update(new=np.zeros(2)),
        r"'layers.0.bias' is \(5,\) float32, but the plan has \(4,\)": lambda m: m.update(
            {"layers.0.bias": np.zeros(5, "f")}
        ),
        "'layers.0.bias' is .* float64, but": lambda m: m.update({"layers.0.bias": np.zeros(4)}),
        "'layers.norm.weight' is tied to 'layers.1.bias' in the model": lambda m: m.update(
            {"layers.1.bias": (x := np.zeros(2, "f")), "layers.norm.weight": x}
        ),
    }
    for message, change in others.items():
        arrays = model()
        change(arrays)
        with pytest.raises(ValueError, match=message):
            ai.initialize(arrays, plan)
    with pytest.raises(TypeError, match="a plan has its names already"):
        ai.initialize(model(), plan, rename="torch")


def test_a_rule_or_a_letter_less_is_refused_or_is_another_plan() -> None:
    rules = [("0.b*", ai.ones()), *right()[:2], ("layers.{i}.weight", lambda p: ai.normal(std=1 + p["i"]))]
    assert not unnoticed(model(), rules)


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        (lambda name: None if name == "b" else name, "rename must return a string for 'b', got None"),
        ({"c": "d"}, "rename has 'c', which is no parameter"),
    ],
)
def test_a_wrong_rename_is_refused_before_anything_is_written(rename: Any, message: str) -> None:
    arrays = {"a": np.full(2, 7.0), "b": np.full(2, 7.0)}
    with pytest.raises((TypeError, ValueError), match=message):
        ai.initialize(arrays, [("*", ai.zeros())], rng=0, rename=rename)
    assert (arrays["a"] == 7.0).all()


def test_an_empty_dict_of_a_class_is_refused() -> None:
    with pytest.raises(ValueError, match="the dict of ndarray is empty"):
        ai.Rule(np.ndarray, {})
