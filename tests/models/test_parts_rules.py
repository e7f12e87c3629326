"""parts and stack in rules and plans: names, seeds, printing, JSON, the audit, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import arrayinit as ai

QKV = ["q", "k", "v"]


def model(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    return {name.replace("__", "."): np.full(shape, 7, np.float32) for name, shape in shapes.items()}


def seeds(name: str, shape: tuple[int, ...], value: Any, **options: Any) -> list[str]:
    """Return the names of the seeds of the parts of one array."""
    (step,) = ai.plan({name: np.empty(shape, np.float32)}, [("**", value)], **options)
    return names(step)


def names(step: Any) -> list[str]:
    parts = getattr(step.action, "steps", None)
    return [step.seed_name] if parts is None else [name for part in parts for name in names(part)]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("a.c_attn.w", ai.parts(ai.zeros(), 0, QKV), ["a.c_attn.q.w", "a.c_attn.k.w", "a.c_attn.v.w"]),
        ("w", ai.parts(ai.zeros(), 0, ["q", "k"]), ["q.w", "k.w"]),
        ("a.wqkv.w", ai.parts(ai.zeros(), 0, ["wq", "wk"], names=("wqkv", "{part}")), ["a.wq.w", "a.wk.w"]),
        ("a.b.w", ai.parts(ai.zeros(), 0, ["q", "k"], names="{part}_of_{parent}"), ["q_of_a.b", "k_of_a.b"]),
        ("a.w", ai.parts(ai.zeros(), 0, [r"\1", "{b}"], names=("a", "{part}")), [r"\1.w", "{b}.w"]),
        ("layers.w", ai.stack(ai.zeros()), ["layers.0.w", "layers.1.w", "layers.2.w"]),
        ("layers.a.w", ai.stack(ai.zeros(), names=("^layers", "layers_{i}")), [f"layers_{i}.a.w" for i in range(3)]),
        (
            "a.layers.w",
            ai.stack(ai.zeros(), names=(r"(\w+)\.w$", r"\1.{i}.x")),
            [f"a.layers.{i}.x" for i in range(3)],
        ),
        ("w", ai.stack(ai.stack(ai.zeros())), [f"{i}.{j}.w" for i in range(3) for j in range(4)]),
    ],
)
def test_parts_have_the_names_that_they_have_elsewhere(name: str, value: Any, expected: list[str]) -> None:
    size = 6 if "QKV" in repr(value) or "parts" in repr(value) else 3
    assert seeds(name, (size, 4), value) == expected


def test_names_take_the_captures_of_the_selector() -> None:
    value = ai.parts(ai.zeros(), 0, ["q", "k"], names="h.{layer}.{part}.w")
    (step,) = ai.plan({"h.12.attn.qk.w": np.empty((4, 2))}, [("h.{layer}.attn.qk.w", value)])
    assert names(step) == ["h.12.q.w", "h.12.k.w"]
    value = ai.stack(ai.zeros(), names="layers.{i}.{rest}")
    (step,) = ai.plan({"layers.mlp.w": np.empty((2, 2))}, [(re.compile(r"^layers\.(?P<rest>.*)"), value)])
    assert names(step) == ["layers.0.mlp.w", "layers.1.mlp.w"]


def test_rename_changes_the_names_of_parts() -> None:
    assert seeds("a.kernel", (4, 2), ai.parts(ai.zeros(), 0, ["q", "k"]), rename="torch") == [
        "a.q.weight",
        "a.k.weight",
    ]
    renamed = seeds("a.kernel", (4, 2), ai.parts(ai.zeros(), 0, ["q", "k"]), rename={"a.q.kernel": "mine"})
    assert renamed == ["mine", "a.k.kernel"]


def test_a_function_reads_the_part() -> None:
    seen: list[tuple[Any, ...]] = []

    def value(p: Any) -> Any:
        seen.append((p.name, p.shape, p["layer"], p["part"], p.size("layer"), p.size("part")))
        return ai.normal(std=1.0 / p.shape[0])

    rules = [("h.{layer}.qkv.w", ai.parts(value, 0, {"q": 4, "k": 2}))]
    plan = ai.plan(model(h__0__qkv__w=(6, 4), h__1__qkv__w=(6, 4)), rules)
    assert [part.action for step in plan for part in step.action.steps] == [ai.normal(std=0.25), ai.normal(std=0.5)] * 2
    assert seen[1] == ("h.0.qkv.k.w", (2, 4), 0, "k", 2, 2)
    assert "0.25..0.5" in str(plan)


def test_a_function_may_return_parts_and_stacks() -> None:
    rules = [("w", lambda p: ai.stack(lambda layer: ai.constant(float(layer["i"])), axis=len(p.shape) - 1))]
    filled = ai.initialize(model(w=(2, 3)), rules)["w"]
    assert filled.tolist() == [[0, 1, 2], [0, 1, 2]]


PLANNED = {
    "attn.c_attn.x": (12, 4),
    "lstm.bias": (8,),
    "layers.0.w": (4, 6),
    "layers.1.w": (4, 6),
    "experts.x": (5, 2, 6),
}
RULES: list[Any] = [
    ("c_attn.x", ai.parts(ai.xavier_uniform(layout="OI"), "O", QKV)),
    ("lstm.bias", ai.parts(ai.zeros(), "O", ["i", "f", "g", "o"], values={"f": ai.ones()})),
    ("layers.{l}.w", ai.parts(ai.normal(std=0.02), 1, {"wq": 4, "wk": 1, "wv": 1}, names=("w$", "{part}"))),
    ("experts.x", ai.stack(ai.parts(ai.normal(std=0.02), -1, ["gate", "up"]))),
]
TABLE = """\
attn.c_attn.x | parts(xavier_uniform(layout='OI'), 'O', ['q', 'k', 'v']) | 0.5 | attn.c_attn.{q,k,v}.x
lstm.bias | parts(zeros(), 'O', ['i', 'f', 'g', 'o'], values={'f': ones()}) | 0 | lstm.{i,f,g,o}.bias
layers.{0..1}.w | parts(normal(std=0.02), 1, {'wq': 4, 'wk': 1, 'wv': 1}) | 0.02 | layers.{0..1}.{wq,wk,wv}
experts.x | stack(parts(normal(std=0.02), -1, ['gate', 'up'])) | 0.02 | experts.{0..4}.{gate,up}.x
"""


def planned() -> dict[str, np.ndarray]:
    return {name: np.empty(shape, np.float32) for name, shape in PLANNED.items()}


def test_a_plan_says_what_the_parts_get() -> None:
    _, *rows = str(ai.plan(planned(), RULES)).splitlines()
    cells = [re.split(r" {2,}", row) for row in rows]
    shown = [f"{name} | {value} | {std} | {seed}" for name, _, _, value, std, _, seed in cells]
    assert shown == TABLE.splitlines()
    assert repr(RULES[2][1]) == ("parts(normal(std=0.02), 1, {'wq': 4, 'wk': 1, 'wv': 1}, names=('w$', '{part}'))")
    assert repr(ai.stack(ai.zeros(), axis=2, names="{i}")) == "stack(zeros(), axis=2, names='{i}')"
    value = RULES[1][1]
    assert eval(repr(value), vars(ai)) == value
    assert hash(value) == hash(eval(repr(value), vars(ai)))


def test_rows_of_stacks_that_differ_in_numbers_are_one_row() -> None:
    shapes = {f"h.{i}.experts": (3, 2) for i in range(4)}
    plan = ai.plan({name: np.empty(shape) for name, shape in shapes.items()}, [("experts", ai.stack(ai.zeros()))])
    (row,) = str(plan).splitlines()[1:]
    assert row.startswith("h.{0..3}.experts  3x2 ")
    assert row.endswith(" h.{0..3}.{0..2}.experts")


def test_a_plan_is_json_and_back() -> None:
    plan = ai.plan(planned(), RULES)
    again = ai.Plan.from_json(plan.to_json())
    assert again == plan
    assert str(again) == str(plan)
    ours, theirs = (ai.initialize(planned(), rules, rng=3) for rules in (again, RULES))
    for name, x in ours.items():
        np.testing.assert_array_equal(x, theirs[name])
    assert again.audit(ours).ok
    broken = json.loads(plan.to_json())
    broken[0]["action"]["fused"]["sizes"].pop()
    with pytest.raises(ValueError, match="this text holds no plan"):
        ai.Plan.from_json(json.dumps(broken))


def test_rules_of_text_are_rules() -> None:
    text = """[
        ["c_attn.x", {"parts": {"value": {"xavier_uniform": {"layout": "OI"}}, "axis": "O", "sizes": ["q", "k", "v"]}}],
        ["lstm.bias", {"parts": {"value": "zeros", "axis": "O", "sizes": ["i", "f", "g", "o"],
            "values": {"f": "ones"}}}],
        ["layers.{l}.w", {"parts": {"value": {"normal": {"std": 0.02}}, "axis": 1,
            "sizes": {"wq": 4, "wk": 1, "wv": 1}, "names": ["w$", "{part}"]}}],
        ["experts.x", {"stack": {"value": {"parts": {"value": {"normal": {"std": 0.02}}, "axis": -1,
            "sizes": ["gate", "up"]}}}}]
    ]"""
    assert ai.plan(planned(), json.loads(text)) == ai.plan(planned(), RULES)
    for value, message in (
        ({"parts": {"value": "zeros"}}, "missing 2 required"),
        ({"stack": "zeros"}, "stack is written {'stack': {'value': ...}}"),
        ({"stack": {"value": "zeros", "axes": 1}}, "unexpected keyword argument 'axes'"),
        ({"stack": {"value": "zeroes"}}, "no initializer is called 'zeroes'"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            ai.plan(planned(), [("**", value)])


def change(name: str, where: Any, by: Callable[[Any], Any]) -> Callable[[dict[str, np.ndarray]], None]:
    def plant(arrays: dict[str, np.ndarray]) -> None:
        arrays[name][where] = by(arrays[name][where])

    return plant


def equal(arrays: dict[str, np.ndarray]) -> None:
    arrays["qkv"][300:600] = arrays["qkv"][:300]


AUDITED: dict[str, tuple[Callable[[dict[str, np.ndarray]], None], str]] = {
    "a wrong std": (change("qkv", np.s_[300:600], lambda x: 1.05 * x), "qkv, part 'k': the std is 0.02"),
    "zeros": (change("qkv", np.s_[600:], lambda x: 0 * x), "qkv, part 'v': all elements are 0, and not draws"),
    "equal parts": (equal, "qkv, part 'k': its values are equal to those of qkv, part 'q', and the two are not tied"),
    "a NaN": (change("layers", np.s_[3, 4, 5], lambda x: x + np.nan), "layers, layer 3: 1 of 60000 elements are NaN"),
    "a layer": (change("layers", 2, lambda x: x + 0.001), "layers, layer 2: the mean is"),
    "no forget bias": (change("bias", 3, lambda x: x * 0), "bias, part 'f': the values are not those of ones()"),
}


@pytest.mark.parametrize("name", AUDITED)
def test_the_audit_finds_the_part_that_is_wrong(name: str) -> None:
    rules = [
        ("qkv", ai.parts(ai.normal(std=0.02), 0, QKV)),
        ("layers", ai.stack(ai.uniform(-0.05, 0.05))),
        ("bias", ai.parts(ai.zeros(), "O", ["i", "f"], values={"f": ai.ones()})),
    ]
    arrays = ai.initialize(model(qkv=(900, 200), layers=(4, 300, 200), bias=(6,)), rules, rng=1)
    plan = ai.plan(arrays, rules)
    assert plan.audit(arrays).ok
    assert len(plan.audit(arrays).rows) == 3 + 4 + 2
    plant, expected = AUDITED[name]
    plant(arrays)
    audit = plan.audit(arrays)
    assert any(fault.startswith(expected) for fault in audit.faults), audit.faults
    assert len({fault.partition(":")[0] for fault in audit.faults}) == 1


def test_digests_of_parts_are_those_of_the_parameters() -> None:
    fused = ai.initialize(model(qkv=(9, 4)), [("qkv", ai.parts(ai.normal(), 0, QKV, names="{part}"))], rng=1)
    alone = ai.initialize(model(q=(3, 4), k=(3, 4), v=(3, 4)), [("*", ai.normal())], rng=1)
    ours = ai.plan(fused, [("qkv", ai.parts(ai.normal(), 0, QKV))]).audit(fused).rows
    theirs = ai.plan(alone, [("*", ai.normal())]).audit(alone).rows
    assert [row.measured.sha256 for row in ours] == [row.measured.sha256 for row in theirs]
