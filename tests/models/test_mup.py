"""mup: which values and learning rates the parameters of a wide model get, by names and layouts alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import arrayinit as ai
from arrayinit import recipes

RULES = (("bias", ai.zeros()), ("weight", ai.normal(std=0.1, layout="OI")))


def mlp(width: int, inner: int = 0) -> dict[str, np.ndarray]:
    shapes = {"embedding": (9, width), "first": (width, 8), "hidden": (inner or width, width), "last": (2, width)}
    return {f"{name}.weight": np.empty(shape) for name, shape in shapes.items()} | {"first.bias": np.empty(width)}


@pytest.mark.parametrize("given", ["model", "shapes", "json", "plan"])
def test_a_base_may_be_a_model_or_its_shapes(given: str) -> None:
    base: Any = mlp(64)
    if given == "plan":
        base = ai.plan(base, RULES)
    elif given != "model":
        base = {name: x.shape if given == "shapes" else list(x.shape) for name, x in base.items()}
    rules, rates = recipes.mup(RULES, base)
    stds = [step.action.expected_std(step.shape) for step in ai.plan(mlp(256), rules)]
    assert stds == [0.1, 0.1, 0.05, 0.1, 0.0]
    assert rates(mlp(256)) == dict(zip(mlp(1), [1.0, 1.0, 0.25, 1.0, 1.0], strict=True))


def test_the_rates_of_sgd() -> None:
    rates = recipes.mup(RULES, mlp(64), optimizer="sgd").learning_rates(mlp(256, 512))
    assert list(rates.values()) == [4.0, 4.0, 2.0, 4.0, 4.0]
    with pytest.raises(ValueError, match="'adam' or 'sgd'"):
        recipes.mup(RULES, mlp(64), optimizer="lion")  # type: ignore[arg-type]


def test_functions_see_the_base() -> None:
    rules = [
        ("bias", ai.zeros()),
        ("{n}.hidden.weight", lambda p: ai.normal(std=p.size("n") / p.shape[1], layout="OI")),
    ]
    base, model = ({f"{i}.hidden.weight": np.empty((d, d)) for i in range(3)} for d in (10, 40))
    plan = ai.plan(model, recipes.mup(rules[1:], base).rules)
    assert plan[0].action.expected_std((40, 40)) == pytest.approx(0.3 / 2)


def test_without_a_layout_the_outputs_are_not_known() -> None:
    wide = recipes.mup([("bias", ai.zeros()), ("weight", ai.normal(std=0.1))], mlp(64))
    # Which of both axes are the inputs does not matter.
    assert list(wide.learning_rates(mlp(256)).values()) == [1.0, 1.0, 0.25, 1.0, 1.0]
    with pytest.raises(ValueError, match=r"'first\.weight' may be an output"):
        wide.multipliers(mlp(256))
    with pytest.raises(ValueError, match="grown along several axes"):
        ai.plan(mlp(256, 512), wide.rules)


def test_outputs_may_start_as_zero_and_embeddings_do_not() -> None:
    rules = recipes.mup(RULES, mlp(64), readout_zero_init=True).rules
    assert [step.name for step in ai.plan(mlp(256), rules) if step.action == ai.zeros()] == [
        "last.weight",
        "first.bias",
    ]


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="base has no parameter of this name"):
        ai.plan(mlp(256), recipes.mup(RULES, {"first.weight": (64, 8)}).rules)
    with pytest.raises(ValueError, match="numbers of axes differ"):
        ai.plan(mlp(256), recipes.mup(RULES, dict.fromkeys(mlp(1), (64, 8, 1))).rules)
    with pytest.raises(ValueError, match="delta has no parameter of this name"):
        ai.plan(mlp(256), recipes.mup(RULES, mlp(64), delta={}).rules)
    for value in (ai.ones(), ai.normal(mean=1.0)):
        with pytest.raises(ValueError, match=r"'hidden.weight': .* must have the mean 0"):
            ai.plan(mlp(256), recipes.mup([("**", value)], mlp(64)).rules)


def test_what_has_no_std_stays() -> None:
    array = np.ones((2, 256))
    eye = ai.eye(layout="OI")
    rules = [("hidden.weight", eye), ("last.weight", array), ("first.*", ai.keep()), ("**", ai.zeros())]
    plan = ai.plan(mlp(256), recipes.mup(rules, mlp(64)).rules)
    assert [step.action for step in plan][:3] == [ai.zeros(), ai.keep(), eye]
    assert plan[3].action.source is array


def test_a_fan_in_is_right_as_it_is() -> None:
    value = ai.lecun_normal(layout="OI")
    plan = ai.plan(mlp(256), recipes.mup([("hidden.weight", value), ("**", ai.zeros())], mlp(64)).rules)
    assert plan[2].action == value


def test_recipes_may_be_widened() -> None:
    names = [f"layers.0.{part}.weight" for part in ("q", "v")]
    models = [{name: np.empty((d, d)) for name in names} for d in (64, 256)]
    deep = recipes.deepnorm(encoder=2, layout="OI").rules
    plan = ai.plan(models[1], recipes.mup(deep, models[0]).rules)
    stds = [step.action.expected_std(step.shape) for step in plan]
    assert stds == pytest.approx([1 / math.sqrt(256), 0.5 / math.sqrt(256)])
