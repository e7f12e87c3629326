"""Adapters of peft, and what recipes.lora makes of them, for a process of its own: peft imports accelerate."""

from __future__ import annotations

import copy
import json
from typing import Any

import peft
import torch
from transformers.pytorch_utils import Conv1D

import arrayinit as ai
from arrayinit import recipes

nn = torch.nn


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(40, 24)
        self.layers = nn.ModuleList(nn.Linear(24, 24) for _ in range(2))
        self.conv = nn.Conv2d(6, 8, 3)
        self.transposed = Conv1D(20, 24)
        self.attention = nn.MultiheadAttention(24, 4)


def adapted(scheme: Any, **options: Any) -> Any:
    targets = ["embedding", "layers.0", "layers.1", "conv", "transposed", "attention"]
    config = peft.LoraConfig(r=4, target_modules=targets, init_lora_weights=scheme, **options)
    return peft.get_peft_model(Model(), config)


def reset(model: Any, scheme: Any) -> None:
    """Draw all adapters again, as peft does, in the order of the parameters: a layer may lie within another."""
    order = [id(p) for p in model.parameters()]
    layers = [module for module in model.modules() if isinstance(module, peft.tuners.lora.LoraLayer)]
    for layer in sorted(layers, key=lambda layer: order.index(id(_adapter(layer)))):
        layer.reset_lora_parameters("default", scheme)


def _adapter(layer: Any) -> Any:
    held = layer.lora_A or layer.lora_embedding_A
    return getattr(held["default"], "weight", held["default"])


def same(scheme: Any, **options: Any) -> dict[str, Any]:
    """Compare the bits from one state of the generator, and what the audit finds in the adapters of peft."""
    theirs = adapted(scheme, **options)
    ours = copy.deepcopy(theirs)
    with torch.no_grad():
        for name, p in ours.named_parameters():
            if "lora_A" in name or "lora_B" in name or "lora_embedding" in name:
                p.fill_(7.0)
    torch.manual_seed(3)
    reset(theirs, scheme)
    torch.manual_seed(3)
    rules = recipes.lora(gaussian=scheme == "gaussian")
    ai.initialize(ours, rules)
    expected, found = (dict(model.named_parameters()) for model in (theirs, ours))
    plan = ai.plan(theirs, rules)
    return {
        "different": [name for name, p in expected.items() if not torch.equal(p, found[name])],
        "faults": plan.audit(theirs).faults,
        "filled": sum(step.fills for step in plan),
        "random": sum(step.fills and step.action.draws for step in plan),
        "is_json": ai.Plan.from_json(plan.to_json()) == plan,
    }


def experts() -> dict[str, Any]:
    """Compare the std of stacked experts, whose A has the outputs of all experts together."""

    class Experts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(8, 24, 32))

        def forward(self, x: Any) -> Any:
            return x @ self.weight[0].T

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = Experts()

        def forward(self, x: Any) -> Any:
            return self.experts(x)

    config = peft.LoraConfig(r=4, target_modules=[], target_parameters=["experts.weight"], init_lora_weights="gaussian")
    model = peft.get_peft_model(Outer(), config)
    plans = {rank: ai.plan(model, recipes.lora(gaussian=True, rank=rank)) for rank in (None, 4)}
    return {str(rank): plan.audit(model).faults for rank, plan in plans.items()}


def report() -> str:
    """Return all that was found, as JSON."""
    cases = {"uniform": same(True), "gaussian": same("gaussian"), "experts": experts()}
    cases["dora"] = same(True, use_dora=True, exclude_modules=["attention"])
    cases["bias"] = same(True, lora_bias=True, exclude_modules=["embedding", "attention"])
    return json.dumps(cases)
