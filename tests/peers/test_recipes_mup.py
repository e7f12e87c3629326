"""mup: the std of each parameter, the learning rates and the multipliers are those of mup 1.0."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest
from mup_models import BASE, DEFAULTS_OF_TORCH, MODELS, Build, based, mlp, tied, untied
from peers import peer

import arrayinit as ai
from arrayinit import recipes

pytestmark = pytest.mark.peers

WIDTHS = (16, 32, 128)


@pytest.fixture
def mup(monkeypatch: pytest.MonkeyPatch) -> Any:
    peer("torch")
    folder = os.environ.get("ARRAYINIT_TEST_MUP")
    if folder is None:
        pytest.skip("ARRAYINIT_TEST_MUP names no folder with mup")
    monkeypatch.syspath_prepend(folder)
    importlib.import_module("mup.init")
    return importlib.import_module("mup")


def stds(plan: ai.Plan) -> dict[str, float]:
    return {
        step.name: step.action.expected_std(step.shape, step.layout, step.groups) for step in plan if step.owner is None
    }


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("build", [mlp, untied])
def test_the_defaults_of_torch_get_the_std_of_set_base_shapes(mup: Any, build: Build, width: int) -> None:
    model, factors = based(mup, build, width)
    rules = recipes.mup(DEFAULTS_OF_TORCH, build(mup, BASE)).rules
    plan = ai.plan(model, rules)
    at_torch = stds(ai.plan(model, DEFAULTS_OF_TORCH))
    assert stds(plan) == pytest.approx({name: std * factors[name] for name, std in at_torch.items()}, rel=1e-6)
    # What mup has made, by means, stds and bounds.
    assert not plan.audit(model).faults


INITIALIZERS = {
    "normal_": {"std": 0.02},
    "uniform_": {"a": -0.1, "b": 0.1},
    "trunc_normal_": {"std": 0.02, "a": -0.04, "b": 0.04},
    "xavier_normal_": {"gain": 1.7},
    "xavier_uniform_": {},
    "kaiming_normal_": {"nonlinearity": "relu"},
    "kaiming_uniform_": {"a": 2.0, "mode": "fan_out"},
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("build", [mlp, tied])
@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_std_is_that_of_mup_init(mup: Any, name: str, build: Build, width: int) -> None:
    torch = peer("torch")
    model, _ = based(mup, build, width)
    weights = {name: p for name, p in model.named_parameters() if p.ndim > 1}
    value = getattr(ai, name.removesuffix("_"))(**INITIALIZERS[name])
    rules = [(lambda p: len(p.shape) > 1, value), ("**", ai.zeros())]
    # Fans of all groups together, as torch has them.
    if value.has_fans:
        rules[0] = (rules[0][0], value.replace(groups=1))
    planned = stds(ai.plan(model, rules))
    expected = {}
    for of, weight in weights.items():
        theirs, plain = (
            _drawn(torch, function, weight, INITIALIZERS[name])
            for function in (getattr(mup.init, name), getattr(torch.nn.init, name))
        )
        expected[of] = planned[of] * float(theirs.norm() / plain.norm())
    found = stds(ai.plan(model, recipes.mup(rules, build(mup, BASE)).rules))
    assert {of: found[of] for of in weights} == pytest.approx(expected, rel=2e-6)


def _drawn(torch: Any, function: Any, weight: Any, arguments: dict[str, Any]) -> Any:
    """Return the draws from one state of the generator."""
    torch.manual_seed(0)
    return function(weight, **arguments).detach().flatten().clone()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("build", MODELS)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_learning_rates_are_those_of_the_optimizers_of_mup(
    mup: Any, build: Build, width: int, optimizer: Any
) -> None:
    model, _ = based(mup, build, width)
    of_mup = mup.MuAdam if optimizer == "adam" else mup.MuSGD
    groups = of_mup(model.parameters(), lr=1.0, weight_decay=1.0).param_groups
    theirs = {id(p): group for group in groups for p in group["params"]}
    result = recipes.mup(DEFAULTS_OF_TORCH, build(mup, BASE), optimizer=optimizer)
    rates = result.learning_rates(model)
    assert rates == {name: theirs[id(p)]["lr"] for name, p in model.named_parameters()}
    # As the documentation says of weight decay.
    assert {name: 1.0 / rate for name, rate in rates.items()} == pytest.approx(
        {name: theirs[id(p)]["weight_decay"] for name, p in model.named_parameters()}
    )
    assert result.multipliers(model) == (
        {"readout.weight": 1.0 / model["readout"].width_mult()} if width > BASE else {}
    )


def test_a_delta_tells_that_a_fixed_axis_is_a_width(mup: Any) -> None:
    nn = peer("torch").nn

    def build(width: int, inner: int) -> Any:
        return nn.ModuleDict({"fc1": nn.Linear(width, inner), "fc2": nn.Linear(inner, width)})

    model, base, delta = build(16, 256), build(16, 32), build(17, 33)
    mup.set_base_shapes(model, base, delta=delta)
    rules = [("weight", ai.normal(std=0.1)), ("bias", ai.zeros())]
    with_delta = recipes.mup(rules, base, delta=delta)
    found = stds(ai.plan(model, with_delta.rules))
    for name, p in model.named_parameters():
        if p.ndim > 1:
            assert found[name] == pytest.approx(0.1 * p.infshape.width_mult() ** -0.5)
    for optimizer, of_mup in (("adam", mup.MuAdam), ("sgd", mup.MuSGD)):
        groups = of_mup(model.parameters(), lr=1.0).param_groups
        theirs = {id(p): group["lr"] for group in groups for p in group["params"]}
        rates = recipes.mup(rules, base, delta=delta, optimizer=optimizer).learning_rates(model)  # type: ignore[arg-type]
        assert rates == {name: theirs[id(p)] for name, p in model.named_parameters()}
    assert with_delta.multipliers(model) == {}
    # Without it, fc2 looks like an output.
    assert recipes.mup(rules, base).multipliers(model) == {"fc2.weight": 1 / 8}


def test_the_output_layer_may_start_as_zero(mup: Any) -> None:
    model = untied(mup, 64)
    rules = recipes.mup(DEFAULTS_OF_TORCH, untied(mup, BASE), readout_zero_init=True).rules
    zero = [step.name for step in ai.plan(model, rules) if step.action == ai.zeros()]
    assert zero == ["layers.0.norm.bias", "layers.1.norm.bias", "readout.weight"]


def test_flax_gets_what_torch_gets() -> None:
    nnx = peer("flax.nnx")
    nn = peer("torch").nn

    class Flax(nnx.Module):
        def __init__(self, width: int, rngs: Any) -> None:
            self.embed = nnx.Embed(33, width, rngs=rngs)
            self.attention = nnx.MultiHeadAttention(4, width, decode=False, rngs=rngs)
            self.fc = nnx.Linear(width, 4 * width, rngs=rngs)
            self.head = nnx.Linear(4 * width, 9, rngs=rngs)

    def flax(width: int) -> Any:
        return nnx.eval_shape(lambda: Flax(width, nnx.Rngs(0)))

    def torch(width: int) -> Any:
        parts = {name: nn.Linear(width, width) for name in ("query", "key", "value", "out")}
        return nn.ModuleDict(
            {
                "embed": nn.Embedding(33, width),
                "attention": nn.ModuleDict(parts),
                "fc": nn.Linear(width, 4 * width),
                "head": nn.Linear(4 * width, 9),
            }
        )

    rules = [ai.Rule("bias", ai.zeros()), ai.Rule("embed*.*", ai.normal()), ai.Rule("**", ai.xavier_uniform())]
    found = []
    for build, last in ((torch, "weight"), (flax, "kernel")):
        of = recipes.mup(rules, build(16), optimizer="sgd")
        model = build(64)
        named = [stds(ai.plan(model, of.rules)), of.learning_rates(model), of.multipliers(model)]
        found.append([{_plain(name, last): value for name, value in one.items()} for one in named])
    assert found[0] == found[1]
    assert found[0][2] == {"head.weight": 0.25}


def _plain(name: str, last: str) -> str:
    return name.replace(last, "weight").replace("embedding", "weight")


def test_rules_of_classes_are_widened() -> None:
    nn = peer("torch").nn
    rules = [(nn.Linear, {"weight": ai.normal(std=0.1), "bias": {"normal": {"std": 0.2}}})]
    wide = recipes.mup(rules, nn.Linear(16, 16))
    stds = [step.action.expected_std(step.shape) for step in ai.plan(nn.Linear(64, 64), wide.rules)]
    assert stds == [0.05, 0.2]
