"""Rules: which parameters a selector takes, what a value may be, and the names that are folded into the seed."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import numpy as np
import pytest

import arrayinit as ai
from arrayinit.models import Parameter
from arrayinit.models.selectors import selector

NAMES = [
    "encoder.h.0.ln_1.weight",
    "encoder.h.0.ln_1.bias",
    "encoder.h.0.mlp.fc.weight",
    "encoder.h.0.mlp.out.weight",
    "encoder.h.1.mlp.fc.weight",
    "encoder.h.10.mlp.fc.weight",
    "decoder.h.0.mlp.fc.weight",
    "head.weight",
    "lm.head.weight",
    "h2o.weight",
]


def model(*names: str) -> dict[str, Any]:
    return {name: np.zeros((4, 3), np.float32) for name in names or NAMES}


def taken(selector: Any) -> list[str]:
    """Return the names that a selector takes before all others."""
    plan = ai.plan(model(), [ai.Rule(selector, ai.zeros(), optional=True), ai.Rule("**", ai.ones(), optional=True)])
    return [step.name for step in plan if step.action == ai.zeros()]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("bias", ["encoder.h.0.ln_1.bias"]),
        ("ln_*.weight", ["encoder.h.0.ln_1.weight"]),
        ("^head.weight", ["head.weight"]),
        ("head.weight", ["head.weight", "lm.head.weight"]),
        ("h.*.mlp.*.weight", NAMES[2:7]),
        ("h.1.**", ["encoder.h.1.mlp.fc.weight"]),
        ("h.*.**.weight", [NAMES[0], *NAMES[2:7]]),
        ("encoder.**.fc.weight", [NAMES[2], NAMES[4], NAMES[5]]),
        ("^encoder.**", NAMES[:6]),
        ("^encoder.*.1.**.weight", ["encoder.h.1.mlp.fc.weight"]),
        ("h{n}o.weight", ["h2o.weight"]),
        ("{i}.ln_{i}.weight", []),
        ("**", NAMES),
        ("*", NAMES),
        ("weigh", []),
        ("eight", []),
        (re.compile(r"fc\.weight$"), [NAMES[2], *NAMES[4:7]]),
        (re.compile("^head"), ["head.weight"]),
        (lambda p: p.name.startswith("lm"), ["lm.head.weight"]),
    ],
)
def test_a_selector_takes_whole_segments_from_the_right(pattern: Any, expected: list[str]) -> None:
    assert taken(pattern) == expected


@pytest.mark.parametrize(
    "pattern", ["", "^", "a..b", ".bias", "bias.", "a**.b", "{layer", "layer}", "{1a}.b", "{}.b", "***"]
)
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        ai.Rule(pattern, ai.zeros())


def test_a_function_reads_the_parameter() -> None:
    seen: dict[str, Any] = {}

    def scaled(p: Parameter) -> Any:
        seen[p.name] = (p["layer"], p.size("layer"), p.shape, p.dtype, p.layout)
        return ai.normal(std=0.02) / (2 * p.size("layer")) ** 0.5

    plan = ai.plan(model(), [("h.{layer}.mlp.fc.weight", scaled), ("**", ai.zeros())])
    # Three numbers follow "encoder.h.", and one "decoder.h.".
    assert seen == {
        "encoder.h.0.mlp.fc.weight": (0, 3, (4, 3), "float32", None),
        "encoder.h.1.mlp.fc.weight": (1, 3, (4, 3), "float32", None),
        "encoder.h.10.mlp.fc.weight": (10, 3, (4, 3), "float32", None),
        "decoder.h.0.mlp.fc.weight": (0, 1, (4, 3), "float32", None),
    }
    assert plan[6].action == ai.normal(std=0.02 / 2**0.5)


def test_regular_expressions_capture_numbers_and_text() -> None:
    rule = (
        re.compile(r"(?P<part>\w+)\.h\.(?P<layer>\d+)"),
        lambda p: ai.constant(p["layer"] + (p["part"] == "decoder")),
    )
    values = {step.name: step.action for step in ai.plan(model(), [rule, ("weight", ai.zeros())])}
    assert values["encoder.h.10.mlp.fc.weight"] == ai.constant(10)
    assert values["decoder.h.0.mlp.fc.weight"] == ai.constant(1)


def test_values_may_be_written_as_json() -> None:
    rules = json.loads('[["bias", "zeros"], ["^head.weight", "keep"], ["weight", {"normal": {"std": 0.02}}]]')
    actions = {repr(step.action) for step in ai.plan(model(), rules)}
    assert actions == {"zeros()", "keep()", "normal(std=0.02)"}
    assert ai.plan(model(), [*rules, ["none", "ones", True]]) == ai.plan(model(), rules)


def test_an_array_is_a_value() -> None:
    given = np.arange(12.0).reshape(4, 3)
    filled = ai.initialize(model("a", "b"), [("a", given), ("b", lambda p: given + len(p.name))])
    assert (filled["a"] == given).all()
    assert (filled["b"] == given + 1).all()


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"bias": ai.zeros()}, "a list of pairs"),
        ("bias", "a list of pairs"),
        (3, "a list of pairs"),
        ([("bias",)], "rule 0 must be a pair"),
        ([("bias", ai.zeros(), True, 1)], "rule 0 must be a pair"),
        ([("bias", ai.zeros(), "yes")], "optional must be True or False"),
        ([(3, ai.zeros())], "a selector must be"),
        ([("bias", ai.zeros)], r"made by a call, as zeros\(...\)"),
        ([("bias", ai.normal_)], r"made by a call, as normal\(...\)"),
        ([("bias", partial(ai.normal_, std=0.02))], r"made by a call, as normal\(...\)"),
        ([("bias", 0.02)], "a value must be"),
        ([("bias", None)], "a value must be"),
        ([(re.compile(b"x"), ai.zeros())], "of str"),
    ],
)
def test_what_is_no_rule_is_refused(rules: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        ai.plan(model("a.bias"), rules)


@pytest.mark.parametrize(
    ("rename", "expected"),
    [
        (None, "a.kernel"),
        ("torch", "a.weight"),
        ({"a.kernel": "b.weight"}, "b.weight"),
        ([("^a", "b"), (r"kernel$", "weight")], "b.weight"),
        (str.upper, "A.KERNEL"),
    ],
)
def test_the_renamed_name_is_folded_into_the_seed(rename: Any, expected: str) -> None:
    rules = [("kernel", ai.normal())]
    assert ai.plan(model("a.kernel"), rules, rename=rename)[0].seed_name == expected
    filled = ai.initialize(model("a.kernel"), rules, rng=5, rename=rename)["a.kernel"]
    assert (filled == ai.normal_(np.empty((4, 3), np.float32), rng=ai.fold_in(5, expected))).all()


def test_names_of_flax_haiku_and_keras_become_those_of_torch() -> None:
    last = {"kernel": "weight", "embedding": "weight", "embeddings": "weight", "scale": "weight", "gamma": "weight"}
    last |= {"w": "weight", "beta": "bias", "b": "bias", "offset": "bias", "bias": "bias", "other": "other"}
    plan = ai.plan(model(*(f"m{i}.{name}" for i, name in enumerate(last))), [("*", ai.zeros())], rename="torch")
    assert [step.seed_name.partition(".")[2] for step in plan] == list(last.values())


def test_a_plan_is_carried_out_as_its_rules() -> None:
    rules = [("bias", ai.zeros()), ("h.{layer}.**.weight", lambda p: ai.normal(std=1.0 / (1 + p["layer"])))]
    rules.append(("weight", ai.uniform()))
    plan = ai.plan(model(), rules)
    kept = ai.Plan.from_json(plan.to_json())
    assert kept == plan
    assert hash(kept) == hash(plan)
    assert len(plan) == len(NAMES)
    by_rules, by_plan, by_json = (ai.initialize(model(), given, rng=1) for given in (rules, plan, kept))
    for name in NAMES:
        assert (by_rules[name] == by_plan[name]).all()
        assert (by_rules[name] == by_json[name]).all()


def test_a_plan_from_json_holds_no_arrays() -> None:
    plan = ai.plan(model("a"), [("a", np.ones((4, 3)))])
    kept = ai.Plan.from_json(plan.to_json())
    assert kept == plan
    assert ai.plan(model("a"), [("a", np.zeros((4, 3)))]) != plan
    with pytest.raises(ValueError, match="JSON, which holds no arrays: plan again with the rules of a"):
        ai.initialize(model("a"), kept)
    for text in ("", "[1]", "{}", '[{"name": 3}]'):
        with pytest.raises(ValueError, match="holds no plan"):
            ai.Plan.from_json(text)


def test_rows_that_differ_in_numbers_are_one_row() -> None:
    names = [f"h.{i}.e.{j}.weight" for i in (0, 1, 2, 5) for j in (0, 1)]
    plan = ai.plan(model(*names, "wte.weight", "h.0.bias", "h.2.bias"), [("bias", ai.zeros()), ("weight", ai.normal())])
    rows = str(plan).splitlines()
    assert [row.split()[0] for row in rows[1:]] == ["h.{0..2,5}.e.{0..1}.weight", "wte.weight", "h.{0,2}.bias"]
    assert rows[1].split()[-1] == "h.{0..2,5}.e.{0..1}.weight"
    # A weight that is lacking is not hidden.
    partly = ai.plan(model(*names[:-1]), [("weight", ai.normal())])
    assert len(str(partly).splitlines()) == len(names)
    html = plan._repr_html_()
    assert html.count("<tr>") == 4
    assert "<td>h.{0..2,5}.e.{0..1}.weight</td>" in html


def test_an_expected_std_is_shown() -> None:
    plan = ai.plan(model("a.weight"), [("weight", ai.normal(std=0.02) / 8**0.5)])
    assert "normal(std=0.00707)  0.007071" in str(plan)


class Outer:
    """A layer."""


class Inner(Outer):
    """A layer of a class that is derived."""


def held(layer: Any) -> Parameter:
    return Parameter("layer.weight", (2, 3), "float32", np.empty((2, 3)), layer)


def test_a_class_may_be_given_by_its_name() -> None:
    name = f"<{__name__}.Outer>"
    for given in (name, (name, int), Outer):
        chosen = selector(given)
        assert chosen.match(held(Inner())) == {}
        assert chosen.match(held(3 if given is name else "3")) is None
    rule = ai.Rule(name, {"weight": "ones"})
    assert repr(rule) == f"Rule(selector='{name}', value={{'weight': 'ones'}}, optional=False)"
    assert selector(f"<{__name__}.Inner>").match(held(Outer())) is None


def test_a_class_of_a_library_that_is_not_loaded_takes_nothing() -> None:
    for name in ("<no.such.library.Layer>", f"<{__name__}.Absent>", f"<{__name__}.NAMES>"):
        assert selector(name).match(held(Outer())) is None


@pytest.mark.parametrize("name", ["<Linear>", "<torch.nn.Linear", "<>", "<torch.nn.Linear>.weight", "<torch..Linear>"])
def test_a_name_that_no_class_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name!r} names no class: write the whole name, as '<torch.nn.Linear>'"):
        ai.Rule(name, ai.ones())
