"""Recipes initialize the models of transformers, torchvision, timm and torchtitan as these libraries do."""

from __future__ import annotations

import json
import os

import pytest
import real_models
import transformers_models
from peers import peer
from places import TESTS
from processes import run
from real_models import Verdict
from recipes import run as run_page

import arrayinit as ai

pytestmark = pytest.mark.peers

# The weights of GPT-2 that write to the residual stream.
RESIDUAL = [f"transformer.h.{layer}.{part}.c_proj.weight" for layer in (0, 1) for part in ("attn", "mlp")]


def in_a_process(modules: str, *variables: str, only: str = "") -> dict[str, Verdict]:
    """Return the verdicts of a process that has the packages of folders of their own."""
    peer("torch")
    folders = [os.environ.get(variable) for variable in variables]
    if None in folders:
        pytest.skip(f"{variables[folders.index(None)]} names no folder with packages")
    path = os.pathsep.join(filter(None, [str(TESTS), *folders, os.environ.get("PYTHONPATH")]))
    script = "import sys, real_models; real_models.report(*sys.argv[1:])"
    printed = run(script, modules, only, timeout=400, PYTHONPATH=path, HF_HUB_OFFLINE="1")
    return {name: Verdict(*found) for name, found in json.loads(printed).items()}


def check(found: dict[str, Verdict]) -> None:
    """Check that no model differs, that each rule decided, and that the law of each value was compared."""
    assert not {name: one.faults for name, one in found.items() if one.faults}
    every, used = (
        {(one.recipe, rule) for one in found.values() for rule in getattr(one, of)} for of in ("rules", "used")
    )
    assert every == used
    drawn = {value for one in found.values() for value in one.drawn}
    assert drawn == {value for one in found.values() for value in one.compared.values()}
    assert drawn


# Each of them takes as long to import its libraries as to examine some models.


def test_recipes_initialize_the_models_of_transformers_as_the_library_does() -> None:
    peer("torch")
    peer("transformers")
    check(dict(real_models.examined(transformers_models.cases())))


def test_recipes_initialize_the_models_of_torchvision_timm_and_torchtitan_as_the_libraries_do() -> None:
    check(in_a_process("vision_models torchtitan_models", "ARRAYINIT_TEST_VISION", "ARRAYINIT_TEST_TORCHTITAN"))


def test_the_default_std_is_that_of_the_configurations() -> None:
    peer("torch")
    transformers = peer("transformers")
    for recipe, config in (("gpt2", "GPT2Config"), ("bert", "BertConfig"), ("llama", "LlamaConfig")):
        theirs = getattr(transformers, config)().initializer_range
        assert getattr(ai.recipes, recipe)() == getattr(ai.recipes, recipe)(theirs)


def test_the_page_shows_what_happens() -> None:
    peer("torch")
    peer("transformers")
    run_page("Known networks")


def test_an_old_gpt2_of_transformers_differs_in_its_residual_projections_and_in_nothing_else() -> None:
    # transformers#47458: they never got their smaller std.
    (found,) = in_a_process("transformers_models", "ARRAYINIT_TEST_TRANSFORMERS_5_14", only="GPT-2").values()
    assert sorted(found.faults) == ["audit", "laws"]
    assert sorted(found.faults["laws"]) == RESIDUAL
    assert sorted(fault.partition(":")[0] for fault in found.faults["audit"]) == RESIDUAL
