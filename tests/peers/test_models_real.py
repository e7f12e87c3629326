"""Rules for GPT-2, BERT, LLaMA, ResNet-18 and ViT initialize these models as the libraries that hold them do."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from peers import peer
from places import TESTS
from processes import run
from real_models import MODELS, Verdict, verdict

pytestmark = pytest.mark.peers

# How many random tensors a model has, in each of its cases.
RANDOM = {"GPT-2": (10,), "BERT": (16, 17), "LLaMA": (16,), "ResNet-18": (22,), "ViT": (13, 5)}

FAULTS = ("constants", "laws", "mutants", "audit", "unnoticed")

# The weights of GPT-2 that write to the residual stream.
RESIDUAL = [f"transformer.h.{layer}.{part}.c_proj.weight" for layer in (0, 1) for part in ("attn", "mlp")]


def in_a_process(model: str, variable: str, packages: str) -> list[Verdict]:
    """Return the verdicts of a process that has these packages from a folder of their own."""
    peer("torch")
    folder = os.environ.get(variable)
    if folder is None:
        pytest.skip(f"{variable} names no folder with {packages}")
    path = os.pathsep.join(filter(None, [str(TESTS), folder, os.environ.get("PYTHONPATH")]))
    script = "import sys, real_models; real_models.report(sys.argv[1])"
    printed = run(script, model, timeout=400, PYTHONPATH=path, HF_HUB_OFFLINE="1")
    return [Verdict(*found) for found in json.loads(printed)]


def verdicts(model: str) -> list[Verdict]:
    # transformers imports torchvision wherever it is installed, and fails where its kernels do not fit torch.
    if model in ("ResNet-18", "ViT"):
        return in_a_process(model, "ARRAYINIT_TEST_VISION", "torchvision and timm")
    peer("torch")
    peer("transformers")
    return [verdict(case()) for case in MODELS[model]]


def faults(found: Verdict) -> dict[str, Any]:
    return {name: names for name in FAULTS if (names := getattr(found, name))}


@pytest.mark.parametrize("model", MODELS)
def test_at_most_ten_rules_give_every_tensor_the_law_of_the_library(model: str) -> None:
    found = verdicts(model)
    assert tuple(len(one.random) for one in found) == RANDOM[model]
    assert {name for one in found for name in one.random} == {name for one in found for name in one.compared}
    for one in found:
        assert one.rules <= 10
        assert one.is_planned
        assert not faults(one)


def test_an_old_gpt2_of_transformers_differs_in_its_residual_projections_and_in_nothing_else() -> None:
    # transformers#47458: they never got their smaller std.
    (found,) = in_a_process("GPT-2", "ARRAYINIT_TEST_TRANSFORMERS_5_14", "transformers 5.14.1")
    assert found.random == found.compared
    assert len(found.random) == sum(RANDOM["GPT-2"])
    assert found.is_planned
    assert sorted(found.laws) == RESIDUAL
    assert sorted(fault.partition(":")[0] for fault in found.audit) == RESIDUAL
    assert not found.constants
    assert not found.mutants
