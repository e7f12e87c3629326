"""deepnorm, tfixup, fixup: a step of SGD changes deep networks as much as shallow ones."""

from __future__ import annotations

from typing import Any

import pytest
from deep_networks import LAYOUT, Change, change, residual, transformer

import arrayinit as ai
from arrayinit import recipes

pytestmark = pytest.mark.peers

DEPTHS = (8, 64, 512)
# At larger rates, all that normalization allows changes without the recipe, whatever the depth.
RATE = 0.01


def without_gains(rules: list[ai.Rule]) -> list[ai.Rule]:
    """Return the same rules with a gain of 1 everywhere."""
    return [ai.Rule(rule.selector, _without_gain(rule.value), rule.optional) for rule in rules]


def _without_gain(value: Any) -> Any:
    has_gain = isinstance(value, ai.Initializer) and "gain" in value.arguments
    return value.replace(gain=1.0) if has_gain else value


def deepnorm(depth: int, stacks: str, is_scaled: bool) -> Change:
    layers = {name: depth // len(stacks.split()) for name in stacks.split()}
    rules, alpha = recipes.deepnorm(**layers, layout=LAYOUT)
    alphas = alpha if is_scaled else [1.0, 1.0]
    weights, network = transformer(layers.get("encoder", 0), layers.get("decoder", 0), tuple(alphas))
    return change(weights, network, rules if is_scaled else without_gains(rules), RATE)


def tfixup(depth: int, stacks: str, is_scaled: bool) -> Change:
    layers = {name: depth // len(stacks.split()) for name in stacks.split()}
    rules = recipes.tfixup(**layers, layout=LAYOUT)
    weights, network = transformer(layers.get("encoder", 0), layers.get("decoder", 0))
    return change(weights, network, rules if is_scaled else without_gains(rules), RATE)


def fixup(depth: int, layers: str, is_scaled: bool) -> Change:
    weights, network = residual(depth, int(layers))
    standard = ai.kaiming_normal(mode="fan_out", nonlinearity="relu", layout=LAYOUT)
    rules = recipes.fixup(weights, value=standard) if is_scaled else [("**", standard)]
    # The output layer is zero at first, so the first step changes no other weight.
    return change(weights, network, rules, RATE, steps=2)


CASES = [
    (deepnorm, "decoder"),
    (deepnorm, "encoder decoder"),
    (tfixup, "encoder decoder"),
    (fixup, "2"),
    (fixup, "3"),
]


def holds(found: list[Change]) -> bool:
    """Whether all that is measured stays within 2 times."""
    updates = [one.update for one in found]
    return all(0.5 < one.growth < 2.0 for one in found) and max(updates) < 2.0 * min(updates)


@pytest.mark.parametrize(("recipe", "kind"), CASES)
def test_a_deep_network_changes_as_much_as_a_shallow_one(recipe: Any, kind: str) -> None:
    found = [recipe(depth, kind, True) for depth in DEPTHS]
    assert holds(found), found


@pytest.mark.parametrize(("recipe", "kind"), CASES)
def test_it_would_not_without_the_scales_of_the_recipe(recipe: Any, kind: str) -> None:
    found = [recipe(depth, kind, False) for depth in DEPTHS[:2]]
    assert not holds(found), found
