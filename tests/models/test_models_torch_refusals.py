"""What is refused of torch modules: nothing is written, and the error says why."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from fake_processes import process
from torch_models import RULES, digest, made

import arrayinit as ai

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    from torch import nn
    from torch.distributed.fsdp import fully_shard
    from torch.nn.utils.parametrizations import orthogonal, weight_norm

pytestmark = pytest.mark.usefixtures("torch_library")


def loaded_after() -> tuple[Any, Any]:
    model = made()
    plan = ai.plan(model, RULES)
    model.body[0].weight._is_hf_initialized = True
    return model, plan


def loaded_before() -> tuple[Any, Any]:
    model = made()
    model.body[0].weight._is_hf_initialized = True
    return made(), ai.plan(model, RULES)


def placeholder() -> Any:
    model = made()
    model.body[0].weight = nn.Parameter(torch.empty(0))
    return model


def freed() -> Any:
    model = made()
    model.body[1].weight.untyped_storage().resize_(0)
    return model


def expanded() -> Any:
    model = made()
    model.body[1].weight = nn.Parameter(torch.ones(1, 6).expand(4, 6))
    return model


def kept_on_meta() -> tuple[Any, Any]:
    return made("meta"), [("frequencies", ai.zeros()), ("body.0.weight", ai.keep()), *RULES]


def transposed() -> tuple[Any, Any]:
    """Return the usual autoencoder, whose decoder has the memory of the encoder."""
    model = nn.ModuleDict({"enc": nn.Linear(4, 8), "dec": nn.Linear(8, 4)})
    model.dec.weight = nn.Parameter(model.enc.weight.detach().t())
    return model, [("enc.weight", ai.ones()), ("dec.weight", ai.zeros()), ("bias", ai.zeros())]


def other() -> Any:
    """Return a module of the user's own, whose weight has no known layout."""
    module = nn.Module()
    module.weight = nn.Parameter(torch.ones(4, 4))
    return module


REFUSALS: dict[str, tuple[Callable[[], tuple[Any, Any]], dict[str, Any], str]] = {
    "a lazy layer": (
        lambda: (nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 3)), RULES[1:]),
        {},
        "'weight' on '0.weight': it is lazy, and has no shape yet: run the model once before",
    ),
    "an orthogonal weight": (
        lambda: (orthogonal(nn.Linear(3, 3)), [("bias", ai.zeros()), ("**", ai.normal())]),
        {},
        "on 'parametrizations.weight.original': the layer computes a parametrized weight from it: name 'original'",
    ),
    "a normed weight": (
        lambda: (weight_norm(nn.Linear(3, 3)), [("bias", ai.zeros()), ("*", ai.normal())]),
        {},
        "on 'parametrizations.weight.original0' and 1 more: the layer computes a parametrized weight",
    ),
    "a weight that is computed": (
        lambda: (orthogonal(nn.Linear(3, 3)), RULES[1:]),
        {},
        "1 of 2 parameters matches no rule: parametrizations.weight.original\nrule 0 'weight' matches nothing",
    ),
    "a placeholder": (
        lambda: (placeholder(), RULES),
        {},
        "on 'body.0.weight': it has no elements, as ZeRO-3 leaves its parameters: gather them first",
    ),
    "a placeholder under a plan": (
        lambda: (placeholder(), ai.plan(made(), RULES)),
        {},
        "'body.0.weight' is (0,) float32, but the plan has (6, 4) float32",
    ),
    "no device": (
        lambda: (made("meta"), [("frequencies", ai.zeros()), *RULES]),
        {},
        "7 parameters and buffers are on the meta device, without memory: pass device=, as device='cpu': frequencies",
    ),
    "a buffer without values": (
        lambda: (made("meta"), RULES),
        {"device": "cpu"},
        "1 of 7 parameters matches no rule: frequencies",
    ),
    "a buffer without values under **": (
        lambda: (made("meta"), [("**", ai.zeros())]),
        {"device": "cpu"},
        "1 of 7 parameters matches no rule: frequencies",
    ),
    "what is kept has no values": (
        kept_on_meta,
        {"device": "cpu"},
        "keep() would leave parameters without values: body.0.weight",
    ),
    "loaded since it was planned": (
        loaded_after,
        {},
        "'body.0.weight' is loaded in the model, and the plan would overwrite it: plan again",
    ),
    "loaded when it was planned": (
        loaded_before,
        {},
        "'body.0.weight' is loaded in the plan, and is not in the model: plan again",
    ),
    "a tie since it was planned": (
        lambda: (made(), ai.plan(nn.ModuleDict({**made(), "head": nn.Linear(4, 7)}), RULES)),
        {},
        "'head.weight' is tied to 'embedding.weight' in the model, and is not in the plan: plan again",
    ),
    "memory that was freed": (
        lambda: (freed(), RULES),
        {},
        "'body.1.weight': ",
    ),
    "elements that share their memory": (
        lambda: (expanded(), RULES),
        {},
        "'body.1.weight': ",
    ),
    "a wrong rng": (
        lambda: (made("meta"), [("frequencies", ai.zeros()), *RULES]),
        {"device": "cpu", "rng": np.random.RandomState(0)},
        "got numpy.random.mtrand.RandomState",
    ),
    "a wrong rng after a constant": (
        lambda: (made(), [("embedding.weight", ai.ones()), *RULES[1:]]),
        {"rng": "0"},
        "got '0' (str)",
    ),
    "a wrong progress": (lambda: (made(), RULES), {"progress": 3}, "progress must be True, or a function"),
    "a transposed view": (
        transposed,
        {},
        "'dec.weight' and 'enc.weight' share memory, but are not the same array",
    ),
    "a plan of another layout": (
        lambda: (
            nn.ModuleDict({"a": nn.Embedding(4, 4)}),
            ai.plan(nn.ModuleDict({"a": other()}), [("weight", ai.ones())]),
        ),
        {},
        "'a.weight' has layout OI, groups 1, zero rows [], kind parameter in the model, but layout None,",
    ),
    "a plan without the padding": (
        lambda: (nn.Embedding(4, 4, padding_idx=1), ai.plan(nn.Embedding(4, 4), [("weight", ai.normal())])),
        {},
        "'weight' has layout OI, groups 1, zero rows [1], kind parameter in the model",
    ),
    "a wrong device": (
        lambda: (made("meta"), [("frequencies", ai.zeros()), *RULES]),
        {"device": "nowhere"},
        "nowhere",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_filled_is_refused_and_stays_as_it_was(name: str) -> None:
    make, arguments, message = REFUSALS[name]
    model, rules = make()
    before = digest(model)
    with pytest.raises((ValueError, TypeError, RuntimeError), match=re.escape(message)):
        ai.initialize(model, rules, **{"rng": 3, **arguments})
    assert digest(model) == before


def test_a_sharded_weight_of_transposed_groups_is_refused_under_a_plan_too() -> None:
    rules = [("bias", ai.zeros()), ("weight", ai.kaiming_normal())]
    plan = ai.plan(nn.ConvTranspose2d(4, 6, 3, groups=2), rules)
    with process(0, 2):
        model = fully_shard(nn.ConvTranspose2d(4, 6, 3, groups=2))
        before = digest(model)
        for given in (rules, plan):
            with pytest.raises(ValueError, match=r"'weight'.*fill it before it is sharded"):
                ai.initialize(model, given, rng=3)
        assert digest(model) == before
