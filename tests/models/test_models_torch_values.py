"""Torch modules: the values that parameters get, generators, attributes, names and groups, and the audit."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from torch_models import RULES, digest, made

import arrayinit as ai

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    from torch import nn

pytestmark = pytest.mark.usefixtures("torch_library")


def test_parameters_stay_the_objects_that_they_are() -> None:
    model = made()
    model.body[0].weight.requires_grad_(False)
    called: list[str] = []
    model.body[1].weight.register_hook(lambda _gradient: called.append("gradient"))
    model.register_forward_hook(lambda *_: called.append("forward"))
    state = [(p, p.data_ptr(), p.requires_grad, p.is_leaf, p._backward_hooks) for p in model.parameters()]
    ai.initialize(model, RULES, rng=3)
    now = [(p, p.data_ptr(), p.requires_grad, p.is_leaf, p._backward_hooks) for p in model.parameters()]
    for then, found in zip(state, now, strict=True):
        assert found[0] is then[0]
        assert found[1:] == then[1:]
        assert found[0].grad_fn is None
    model.body(torch.ones(4)).sum().backward()
    assert called == ["gradient"]
    assert len(model._forward_hooks) == 1


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("given", [False, True], ids=["global generator", "generator"])
def test_a_generator_draws_in_the_order_of_the_plan_what_torch_draws(given: bool, dtype: str) -> None:
    model, expected = (made().to(getattr(torch, dtype)) for _ in range(2))
    torch.manual_seed(5)
    generator = torch.Generator().manual_seed(5) if given else None
    for step in ai.plan(expected, RULES):
        if step.owner is None:
            x = expected.get_parameter(step.name)
            if step.name == "embedding.weight":
                nn.init.normal_(x, std=0.02, generator=generator)
            elif step.name.endswith("weight"):
                nn.init.kaiming_uniform_(x, generator=generator)
            else:
                nn.init.uniform_(x, -0.1, 0.1, generator=generator)
    torch.manual_seed(5)
    ai.initialize(model, RULES, rng=torch.Generator().manual_seed(5) if given else None)
    assert digest(model) == digest(expected)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2fnuz"])
def test_the_audit_finds_nothing_in_what_torch_draws_and_a_padding_that_is_not_zero(dtype: str) -> None:
    rules = [
        ("embedding.weight", ai.normal(std=0.02)),
        ("first.weight", ai.kaiming_uniform()),
        ("second.weight", ai.trunc_normal(std=0.02, a=-0.04, b=0.04)),
        ("third.weight", ai.xavier_normal()),
        ("bias", ai.uniform(-0.1, 0.1)),
    ]
    layers = {name: nn.Linear(250, 400) for name in ("first", "second", "third")}
    model: Any = nn.ModuleDict({"embedding": nn.Embedding(400, 250, padding_idx=7), **layers})
    model.to(getattr(torch, dtype))
    plan = ai.plan(model, rules)
    for seed in range(3):
        ai.initialize(model, plan, rng=torch.Generator().manual_seed(seed))
        assert plan.audit(model).faults == []
    with torch.no_grad():
        model.embedding.weight[7, 0] = 0.25
    assert plan.audit(model).faults == ["embedding.weight: row 7 is the padding, and is not zero"]


def test_a_parameter_is_no_alias_of_a_buffer_that_comes_first() -> None:
    model: Any = nn.ModuleDict({"fc": nn.Linear(4, 4)})
    model.register_buffer("shadow", model.fc.weight.data)
    plan = ai.plan(model, RULES[1:])
    assert {step.name: step.owner for step in plan} == {"shadow": "fc.weight", "fc.weight": None, "fc.bias": None}
    ai.initialize(model, plan, rng=3)
    assert torch.equal(model.shadow, ai.kaiming_uniform_(torch.empty(4, 4), rng=ai.fold_in(3, "fc.weight")))


def test_parameters_keep_their_attributes_when_they_get_memory() -> None:
    model = nn.Linear(3, 3, device="meta")
    model.weight.no_decay = True
    ai.initialize(model, RULES[1:], rng=3, device="cpu")
    assert model.weight.no_decay is True
    assert not hasattr(model.bias, "no_decay")


def test_an_averaged_model_has_the_names_of_the_model() -> None:
    model = torch.optim.swa_utils.AveragedModel(nn.Linear(3, 3))
    assert [step.name for step in ai.plan(model, RULES[1:])] == ["weight", "bias"]


def test_a_transposed_convolution_with_groups_has_its_own_shape_and_the_fans_of_a_group() -> None:
    layer = nn.ConvTranspose2d(4, 6, 3, groups=2)
    values = [
        ai.kaiming_normal(),
        ai.normal(),
        ai.dirac(),
        ai.orthogonal(),
        ai.kaiming_normal(layout="OI..."),
        ai.ones(),
    ]
    for value in values:
        seen: list[Any] = []

        def chosen(p: Any, value: Any = value, seen: list[Any] = seen) -> Any:
            seen.append((p.shape, p.layout, p.groups, p.fan_in, p.fan_out))
            return value

        rules = [(lambda p: len(p.shape) == 4, chosen), ("bias", ai.zeros())]
        model = ai.initialize(layer, rules, rng=3)
        assert seen == [((4, 3, 3, 3), "IO...", 2, 18, 27)]
        assert ai.plan(model, rules).audit(model).ok
        x = torch.empty(4, 3, 3, 3)
        is_by_group = value.has_fans and value.arguments["layout"] is None
        value.fill(
            x.view(2, 2, 3, 3, 3) if is_by_group else x,
            ai.fold_in(3, "weight"),
            layout="BIO..." if is_by_group else "IO...",
        )
        assert torch.equal(layer.weight, x)
    copied = ai.initialize(layer, [("weight", torch.ones(4, 3, 3, 3)), ("bias", ai.zeros())])
    assert (copied.weight == 1.0).all()
