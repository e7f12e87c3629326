"""What parts and stack refuse: at once, or before anything is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import arrayinit as ai

QKV = ["q", "k", "v"]


def model(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    return {name.replace("__", "."): np.full(shape, 7, np.float32) for name, shape in shapes.items()}


CALLS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "an axis": (lambda: ai.parts(ai.zeros(), "X", QKV), ValueError, "axis must be 'O' for outputs, 'I' for inputs"),
    "a float": (lambda: ai.stack(ai.zeros(), axis=1.0), TypeError, "axis must be an integer, got 1.0"),
    "a bool": (lambda: ai.stack(ai.zeros(), axis=True), TypeError, "axis must be an integer, got True"),
    "no sizes": (lambda: ai.parts(ai.zeros(), 0, []), ValueError, "sizes names no parts"),
    "a number": (lambda: ai.parts(ai.zeros(), 0, 3), TypeError, "sizes must be a list of names of equal parts"),
    "text": (lambda: ai.parts(ai.zeros(), 0, "qkv"), TypeError, "sizes must be a list of names of equal parts"),
    "no text": (lambda: ai.parts(ai.zeros(), 0, [1, 2]), TypeError, "the name of a part must be text, got 1"),
    "a name twice": (lambda: ai.parts(ai.zeros(), 0, ["q", "q"]), ValueError, "sizes has a name twice: q, q"),
    "a size": (lambda: ai.parts(ai.zeros(), 0, {"q": -1}), ValueError, "the size of part 'q' must be an integer of at"),
    "half": (lambda: ai.parts(ai.zeros(), 0, {"q": 0.5}), ValueError, "the size of part 'q' must be an integer of at"),
    "unknown": (
        lambda: ai.parts(ai.zeros(), 0, QKV, values={"w": ai.ones()}),
        ValueError,
        "'w', which is no part",
    ),
    "values": (lambda: ai.parts(ai.zeros(), 0, QKV, values=[ai.ones()]), TypeError, "values must be a mapping"),
    "no value": (lambda: ai.parts(None, 0, QKV), TypeError, "a value must be an initializer"),
    "a function": (lambda: ai.stack(ai.zeros_), TypeError, "a value is made by a call, as zeros"),
    "one name": (lambda: ai.parts(ai.zeros(), 0, QKV, names="w"), ValueError, "one name: it must contain {part}"),
    "no {i}": (lambda: ai.stack(ai.zeros(), names="{part}"), ValueError, "it must contain {i}"),
    "no names": (lambda: ai.stack(ai.zeros(), names=3), TypeError, "names must be a template such as"),
    "a brace": (lambda: ai.stack(ai.zeros(), names="{i"), ValueError, "names has the template '{i'"),
    "no regex": (lambda: ai.stack(ai.zeros(), names=("(", "{i}")), ValueError, "which is no regular expression"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_argument_is_refused_at_once(name: str) -> None:
    call, kind, message = CALLS[name]
    with pytest.raises(kind, match=re.escape(message)):
        call()


REFUSED: dict[str, tuple[tuple[int, ...], Any, str]] = {
    "a size that does not divide": (
        (10, 4),
        ai.parts(ai.zeros(), 0, QKV),
        "axis 0 of shape (10, 4) has a size of 10, which 3 equal parts do not divide (q, k, v): pass the size of each",
    ),
    "sizes that do not sum": (
        (10, 4),
        ai.parts(ai.zeros(), 0, {"q": 6, "k": 3}),
        "the parts q 6 + k 3 = 9 differ from axis 0 of shape (10, 4), of 10",
    ),
    "no such axis": ((9, 4), ai.parts(ai.zeros(), 2, QKV), "an array of shape (9, 4) has no axis 2"),
    "no layout": (
        (9, 4),
        ai.parts(ai.zeros(), "O", QKV),
        "parts along 'O' need the layout of an array of shape (9, 4)",
    ),
    "no such role": (
        (9, 4),
        ai.parts(ai.normal(layout="IK"), "O", QKV),
        "layout 'IK' has no axis 'O': pass",
    ),
    "inputs of a bias": ((9,), ai.parts(ai.zeros(), "I", QKV), "a bias, of shape (9,), has outputs only"),
    "a scalar": ((), ai.stack(ai.zeros()), "an array of shape () has no axis 0"),
    "a value for one part": (
        (9, 4),
        ai.parts(ai.zeros(), 0, QKV, values={"k": ai.xavier_normal()}),
        "part 'k': xavier_normal() needs the layout of an array of shape (3, 4)",
    ),
    "a value for all layers": (
        (9, 4),
        ai.stack(ai.xavier_normal()),
        "layer '0' and 8 more: xavier_normal() depends on the inputs and outputs of a weight",
    ),
    "an array of another shape": (
        (9, 4),
        ai.parts(ai.zeros(), 0, QKV, values={"k": np.zeros((9, 4))}),
        "part 'k': source has shape (9, 4), but x has shape (3, 4)",
    ),
    "two parts": (
        (9, 4),
        ai.parts(ai.orthogonal(), 0, QKV, values={"k": ai.dirac(layout="OIK")}),
        "part 'q' and 1 more: orthogonal() needs the layout",
    ),
    "unknown braces": (
        (9, 4),
        ai.parts(ai.zeros(), 0, QKV, names="{part}{x}"),
        "must have no other braces than",
    ),
    "a pattern": ((9, 4), ai.parts(ai.zeros(), 0, QKV, names=("wqkv", "{part}")), "'wqkv' is not found in 'a.w'"),
    "a group": (
        (9, 4),
        ai.parts(ai.zeros(), 0, QKV, names=("w", r"\1{part}")),
        "invalid group reference",
    ),
    "a function of a function": ((9, 4), ai.stack(lambda p: lambda q: ai.zeros()), "a value must be an initializer"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_before_anything_is_written(name: str) -> None:
    shape, value, message = REFUSED[name]
    arrays = {"first": np.full(3, 7.0), "a.w": np.full(shape, 7.0)}
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        ai.initialize(arrays, [("a.w", value), ("first", ai.zeros()), ("nothing", ai.zeros())], rng=0)
    assert "rule 2 'nothing' matches nothing" in str(caught.value)
    assert all((x == 7).all() for x in arrays.values())


def test_parts_of_one_name_are_refused() -> None:
    for arrays, rules in (
        (model(a__q__w=(2, 2), a__w=(4, 2)), [("a.w", ai.parts(ai.normal(), 0, ["q", "k"])), ("**", ai.normal())]),
        (model(a__w=(4, 2), b__w=(4, 2)), [("w", ai.parts(ai.normal(), 0, ["q", "k"], names="{part}"))]),
    ):
        with pytest.raises(ValueError, match=r"have one name for their seeds, .* would get equal numbers"):
            ai.plan(arrays, rules)


def test_json_holds_no_arrays_for_parts() -> None:
    arrays = model(x=(4, 2))
    plan = ai.plan(arrays, [("x", ai.parts(ai.zeros(), 0, ["a", "b"], values={"b": np.ones((2, 2), np.float32)}))])
    with pytest.raises(ValueError, match=r"holds no arrays: plan again with the rules of x"):
        ai.initialize(arrays, ai.Plan.from_json(plan.to_json()))


def test_an_action_of_a_plan_is_no_value() -> None:
    plan = ai.plan(model(x=(4, 2)), [("x", ai.stack(ai.zeros()))])
    with pytest.raises(TypeError, match="a value must be"):
        ai.plan(model(x=(4, 2)), [("x", plan[0].action)])
