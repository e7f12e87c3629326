"""The recipes of known networks: what docs/recipes.md says of them, what they refuse, and how they print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from recipes import SECTIONS

import arrayinit as ai
from arrayinit import recipes
from arrayinit.models.parameter import Parameter
from arrayinit.models.selectors import selector

TEXT = SECTIONS["Known networks"]

# A parameter of each kind that the page names, by the first words of a recipe.
NAMES: dict[str, dict[str, str]] = {
    "embedding": {"gpt2": "wte.weight", "bert": "embeddings.word_embeddings.weight", "llama": "embed_tokens.weight"},
    "position": {"gpt2": "wpe.weight", "bert": "embeddings.position_embeddings.weight", "vit": "pos_embed"},
    "attention": {
        "gpt2": "h.0.attn.c_attn.weight",
        "bert": "layer.0.attention.self.query.weight",
        "llama": "layers.0.self_attn.q_proj.weight",
        "torchtitan": "layers.0.attention.qkv_linear.wqkv.weight",
    },
    "attention, residual": {
        "gpt2": "h.0.attn.c_proj.weight",
        "bert": "layer.0.attention.output.dense.weight",
        "llama": "layers.0.self_attn.o_proj.weight",
        "torchtitan": "layers.0.attention.wo.weight",
        "vit": "blocks.0.attn.proj.weight",
    },
    "attention, bias": {"vit": "blocks.0.attn.qkv.bias"},
    "query, key and value": {"vit": "blocks.0.attn.qkv.weight"},
    "MLP": {
        "gpt2": "h.0.mlp.c_fc.weight",
        "bert": "layer.0.intermediate.dense.weight",
        "llama": "layers.0.mlp.gate_proj.weight",
        "torchtitan": "layers.0.feed_forward.w1.weight",
        "vit": "blocks.0.mlp.fc1.weight",
    },
    "MLP, up": {"llama": "layers.0.mlp.up_proj.weight", "torchtitan": "layers.0.feed_forward.w3.weight"},
    "MLP, residual": {
        "gpt2": "h.0.mlp.c_proj.weight",
        "bert": "layer.0.output.dense.weight",
        "llama": "layers.0.mlp.down_proj.weight",
        "torchtitan": "layers.0.feed_forward.w2.weight",
    },
    "MLP, bias": {"vit": "blocks.0.mlp.fc1.bias"},
    "MLP, gate of SwiGLU": {"vit": "blocks.0.mlp.fc1_g.weight"},
    "MLP, bias of the gate": {"vit": "blocks.0.mlp.fc1_g.bias"},
    "norm, weight": {
        "gpt2": "h.0.ln_1.weight",
        "bert": "embeddings.LayerNorm.weight",
        "llama": "layers.0.input_layernorm.weight",
        "torchtitan": "layers.0.ffn_norm.weight",
        "vit": "blocks.0.norm1.weight",
    },
    "norm, bias": {
        "gpt2": "h.0.ln_1.bias",
        "bert": "embeddings.LayerNorm.bias",
        "vit": "norm.bias",
        "resnet": "layer1.0.bn2.bias",
    },
    "bias": {"gpt2": "h.0.mlp.c_proj.bias", "bert": "pooler.dense.bias", "llama": "layers.0.self_attn.q_proj.bias"},
    "head, not tied": {
        "gpt2": "lm_head.weight",
        "bert": "cls.predictions.decoder.weight",
        "llama": "lm_head.weight",
        "torchtitan": "lm_head.weight",
    },
    "head": {"vit": "head.weight", "resnet": "fc.weight"},
    "head, bias": {"bert": "cls.predictions.bias", "vit": "head.bias", "resnet": "fc.bias"},
    "class token, register tokens": {"vit": "cls_token"},
    "distillation token": {"vit": "dist_token"},
    "patches": {"vit": "patch_embed.proj.weight"},
    "patches, bias": {"vit": "patch_embed.proj.bias"},
    "query of the pooling": {"vit": "attn_pool.latent"},
    "convolution": {"resnet": "layer1.0.conv2.weight"},
    "norm in a block": {"resnet": "layer1.0.bn2.weight"},
    "norm elsewhere": {"resnet": "layer1.0.downsample.1.weight"},
}
NAMES["embedding"]["torchtitan"] = "tok_embeddings.weight"

BUFFERS = ("running_", "num_batches_tracked", "_ids", "inv_freq", "rope.cache")

EVERY = {
    "gpt2": recipes.gpt2(),
    "bert": recipes.bert(),
    "llama": recipes.llama(),
    "torchtitan_llama3": recipes.torchtitan_llama3(),
    "torchtitan_llama3, tied": recipes.torchtitan_llama3(enable_weight_tying=True),
    **{f"vit {scheme}": recipes.vit(scheme, init_values=1e-5) for scheme in ("", "jax", "jax_nlhb", "moco", "reset")},
    "vit, by depth": recipes.vit(fix_init=True),
    "resnet": recipes.resnet(),
    "resnet, zeros": recipes.resnet(zero_init_residual=True),
}


def columns() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each recipe in the tables of the page, with its values by kind of parameter."""
    for table in re.findall(r"(?:^\|.*\n)+", TEXT, re.MULTILINE):
        head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().split("\n"))
        for number, recipe in enumerate(head[1:], 1):
            yield recipe.strip("`"), {row[0]: row[number].strip("`") for row in rows}


def found(rules: list[Any], name: str) -> str:
    """Return the value of the first rule that takes a name."""
    p = Parameter(name, (4, 4), "float32", None)
    return next((repr(rule.value) for rule in rules if selector(rule.selector).match(p) is not None), "-")


@pytest.mark.parametrize(("recipe", "cells"), list(columns()))
def test_the_tables_of_the_page_say_what_the_rules_do(recipe: str, cells: dict[str, str]) -> None:
    call, _, arguments = recipe.rstrip(")").partition("(")
    rules = eval(f"recipes.{call}({arguments})", {"recipes": recipes})
    names = {kind: NAMES[kind].get(call.partition("_")[0], "-") for kind in cells}
    assert {kind: found(rules, name) for kind, name in names.items()} == cells
    # And they leave no value out, but for the halves of a layer, which have the values of two rows.
    by_name = [rule for rule in rules if isinstance(rule.selector, str)]
    assert {repr(rule.value) for rule in by_name if not any(b in rule.selector for b in BUFFERS)} <= set(cells.values())


def test_what_the_page_says_of_the_other_arguments_of_vit() -> None:
    jax, nlhb = ([(rule.selector, repr(rule.value)) for rule in recipes.vit(scheme)] for scheme in ("jax", "jax_nlhb"))
    heads = [("head.bias", "constant(-log(classes))"), ("head_dist.bias", "constant(-log(classes))")]
    assert [rule for rule in nlhb if rule not in jax] == heads
    assert found(recipes.vit(init_values=0.1), "blocks.0.ls1.gamma") == "constant(val=0.1)"
    assert found(recipes.vit(), "blocks.0.ls1.gamma") == "-"
    for name in ("attn.proj", "mlp.fc2"):
        value = "trunc_normal(std=0.02) / sqrt(2 * (block + 1))"
        assert found(recipes.vit(fix_init=True), f"blocks.3.{name}.weight") == value


def test_the_page_has_every_recipe_of_a_network() -> None:
    shown = {recipe.partition("(")[0] for recipe, _ in columns()}
    assert shown == {name.partition(",")[0].partition(" ")[0] for name in EVERY}


@pytest.mark.parametrize("rules", EVERY.values(), ids=EVERY)
def test_a_recipe_prints_its_values_and_takes_nothing_that_it_does_not_name(rules: list[ai.Rule]) -> None:
    assert all(isinstance(rule, ai.Rule) for rule in rules)
    assert not re.search("lambda|function|object at", str(rules))
    assert len({rule.selector for rule in rules}) == len(rules)
    for name in ("adapter.weight", "adapter.bias", "weight", "bias", "h.0.attn.bias"):
        assert found(rules, name) == "-"


def test_a_recipe_is_new_each_time() -> None:
    recipes.gpt2().clear()
    assert recipes.gpt2()


def test_the_seeds_of_a_recipe_are_those_of_the_names() -> None:
    model = {"embed_tokens.weight": np.empty((3, 4), np.float32), "norm.weight": np.empty(4, np.float32)}
    rules = [
        rule for rule in recipes.llama(0.5) if rule.optional or rule.selector in ("embed_tokens.weight", "*norm.weight")
    ]
    ai.initialize(model, rules, rng=7)
    expected = ai.normal_(np.empty((3, 4), np.float32), std=0.5, rng=ai.fold_in(7, "embed_tokens.weight"))
    assert (model["embed_tokens.weight"] == expected).all()


def test_an_unknown_scheme_is_refused() -> None:
    message = "scheme must be one of '', 'jax', 'jax_nlhb', 'moco', 'reset', got 'skip'"
    with pytest.raises(ValueError, match=message):
        recipes.vit("skip")


def test_a_std_that_is_none_is_refused() -> None:
    for recipe in (recipes.gpt2, recipes.bert, recipes.llama):
        with pytest.raises(ValueError, match="std"):
            recipe(-1.0)


def test_a_bias_without_its_layer_says_what_it_lacks() -> None:
    rules = [rule for rule in recipes.resnet() if rule.optional]
    with pytest.raises(ValueError, match="which is not known for a bias without its layer"):
        ai.plan({"fc.bias": np.empty(4, np.float32)}, rules)
