"""Torch modules: wrappers, ties, buffers, memory, and what is refused. test_models_processes.py has real processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from fake_processes import process, same_part
from libraries import Library
from torch_models import RULES, digest, made

import arrayinit as ai

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    from torch import nn
    from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper, offload_wrapper
    from torch.distributed.fsdp import fully_shard
    from torch.nn.utils.parametrizations import weight_norm

pytestmark = pytest.mark.usefixtures("torch_library")


@pytest.fixture
def _poisoned() -> Iterator[None]:
    """New memory is full of NaN."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    assert torch.empty(3).isnan().all()
    yield
    torch.use_deterministic_algorithms(before)


def no_nan(model: Any) -> bool:
    return not any(x.isnan().any() for x in [*model.parameters(), *model.buffers()])


def layers_checkpointed(model: Any) -> Any:
    model.body[0] = checkpoint_wrapper(model.body[0])
    model.body[1] = offload_wrapper(model.body[1])
    return model


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "bare": lambda model: model,
    "compiled": lambda model: torch.compile(model, backend="eager"),
    "DataParallel": lambda model: nn.DataParallel(model),
    "checkpointed": lambda model: checkpoint_wrapper(model),
    "checkpointed layers": layers_checkpointed,
    "three of them": lambda model: nn.DataParallel(torch.compile(layers_checkpointed(model), backend="eager")),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_loop_by_hand_gives_the_same_bits_under_the_same_names(wrapper: str) -> None:
    bare = made()
    for name, x in bare.named_parameters():
        seed = ai.fold_in(3, name)
        if name == "embedding.weight":
            ai.normal_(x, std=0.02, rng=seed)
        elif name.endswith("weight"):
            ai.kaiming_uniform_(x, rng=seed)
        else:
            ai.uniform_(x, -0.1, 0.1, rng=seed)
    inner = made()
    model = WRAPPERS[wrapper](inner)
    assert ai.initialize(model, RULES, rng=3) is model
    assert [s.name for s in ai.plan(model, RULES)] == [n for n, _ in bare.named_parameters(remove_duplicate=False)]
    for x, expected in zip(inner.parameters(), bare.parameters(), strict=True):
        assert torch.equal(x, expected)


def test_names_that_only_look_like_those_of_wrappers_stay() -> None:
    model: Any = nn.Module()
    for name in ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"):
        setattr(model, name, nn.Linear(2, 2, bias=False))
    names = [step.name for step in ai.plan(nn.DataParallel(model), RULES[1:2])]
    assert names == [name for name, _ in model.named_parameters()]


@pytest.mark.usefixtures("_poisoned")
def test_device_gives_memory_to_what_is_on_meta() -> None:
    model, expected = made("meta"), ai.initialize(made(), RULES, rng=3)
    rules = [("frequencies", torch.arange(3.0)), *RULES]
    assert ai.initialize(model, rules, rng=3, device="cpu") is model
    assert no_nan(model)
    assert digest(model) == digest(expected)
    assert model.head.weight is model.embedding.weight


@pytest.mark.usefixtures("_poisoned")
def test_what_has_memory_stays_where_it_is() -> None:
    model = made()
    model.body = nn.Sequential(nn.Linear(4, 6, device="meta"), nn.Linear(6, 4))
    model.other = model.body[0]
    model.register_buffer("steps", torch.tensor(5))
    kept = [model.frequencies, model.steps, model.embedding.weight, model.body[1].weight]
    places = [(x, x.data_ptr()) for x in kept]
    ai.initialize(model, [*RULES[:2], ("1.bias", ai.keep()), RULES[2]], rng=3, device="cpu")
    now = [model.frequencies, model.steps, model.embedding.weight, model.body[1].weight]
    assert all(x is then and x.data_ptr() == place for x, (then, place) in zip(now, places, strict=True))
    assert no_nan(model)
    assert model.steps == 5
    assert torch.equal(model.frequencies, torch.arange(3.0))
    assert model.other is model.body[0]
    assert model.head.weight is model.embedding.weight


@pytest.mark.usefixtures("_poisoned")
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_parameters_tied_by_their_data_stay_tied(device: str) -> None:
    model: Any = nn.Sequential(nn.Linear(3, 3, device=device), nn.Linear(3, 3, device=device))
    model[1].weight.data = model[0].weight.data
    assert [step.owner for step in ai.plan(model, RULES[1:])] == [None, None, "0.weight", None]
    ai.initialize(model, RULES[1:], rng=3, device="cpu")
    assert model[0].weight.data_ptr() == model[1].weight.data_ptr()
    assert no_nan(model)


def test_a_layer_in_two_places_is_filled_once() -> None:
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    plan = ai.plan(model, RULES[1:])
    assert [(step.name, step.owner) for step in plan] == [
        ("0.weight", None),
        ("0.bias", None),
        ("2.weight", "0.weight"),
        ("2.bias", "0.bias"),
    ]
    names: list[str] = []
    ai.initialize(model, RULES[1:], rng=3, progress=lambda _done, _total, name: names.append(name))
    assert names == ["0.weight", "0.bias", ""]


def test_a_buffer_is_filled_where_a_rule_names_it_and_nowhere_else() -> None:
    model = made()
    ai.initialize(model, [("**", ai.zeros())])
    assert torch.equal(model.frequencies, torch.arange(3.0))
    for wide in (re.compile(""), re.compile("^f"), re.compile("^(low_frequencies|x)?"), lambda _: True, nn.Module):
        ai.initialize(model, [ai.Rule(given, ai.zeros(), optional=True) for given in (wide, "**")])
        assert torch.equal(model.frequencies, torch.arange(3.0))
    for selector in ("frequencies", "f*", re.compile("^frequencies$")):
        model = made()
        ai.initialize(model, [(selector, ai.ones()), ("**", ai.zeros())])
        assert torch.equal(model.frequencies, torch.ones(3))


PADDED = ["float32", "bfloat16"]


@pytest.mark.parametrize("dtype", PADDED)
@pytest.mark.parametrize("layer", ["Embedding", "EmbeddingBag"])
@pytest.mark.parametrize("row", [0, 2, -1])
def test_the_padding_of_an_embedding_is_zero(layer: str, dtype: str, row: int) -> None:
    x = getattr(nn, layer)(5, 3, padding_idx=row, dtype=getattr(torch, dtype))
    ai.initialize(x, [("weight", ai.normal())], rng=3)
    expected = ai.normal_(torch.empty_like(x.weight), rng=ai.fold_in(3, "weight"))
    with torch.no_grad():
        expected[row] = 0.0
    assert torch.equal(x.weight, expected)
    # A constant is what was asked for.
    assert (ai.initialize(x, [("weight", ai.ones())]).weight == 1.0).all()


def test_the_padding_is_zero_where_the_head_comes_before_the_embedding() -> None:
    model = nn.ModuleDict({"head": nn.Linear(3, 5, bias=False), "embedding": nn.Embedding(5, 3, padding_idx=1)})
    model["embedding"].weight = model["head"].weight
    plan = ai.plan(model, [("weight", ai.normal())])
    assert plan[1].owner == "head.weight"
    ai.initialize(model, plan, rng=3)
    assert [bool(row.any()) for row in model["embedding"].weight] == [True, False, True, True, True]


@pytest.mark.parametrize("dtype", PADDED)
def test_the_padding_of_a_sharded_embedding_is_zero(dtype: str, torch_library: Library) -> None:
    rules = [("weight", ai.normal())]
    whole = ai.initialize(nn.Embedding(5, 3, padding_idx=3, dtype=getattr(torch, dtype)), rules, rng=3).weight
    for rank in range(3):
        with process(rank, 3):
            model: Any = nn.Embedding(5, 3, padding_idx=3, dtype=getattr(torch, dtype))
            ai.initialize(fully_shard(model), rules, rng=3)
            same_part(model.weight.detach(), whole.detach(), torch_library)


def test_shards_are_filled_where_a_forward_pass_has_gathered_them(torch_library: Library) -> None:
    whole = ai.initialize(nn.Linear(5, 3), RULES[1:], rng=3).weight
    with process(1, 2):
        model: Any = fully_shard(nn.Linear(5, 3))
        model.unshard()
        assert not hasattr(model.weight, "full_tensor")
        ai.initialize(model, RULES[1:], rng=3)
        same_part(model.weight.detach(), whole.detach(), torch_library)


def test_loaded_parameters_are_kept() -> None:
    model = made()
    model.body[0].weight._is_hf_initialized = True
    kept = model.body[0].weight.clone()
    plan = ai.plan(model, RULES)
    assert {step.name: step.source for step in plan}["body.0.weight"] == "loaded"
    ai.initialize(model, plan, rng=3)
    assert torch.equal(model.body[0].weight, kept)
    # No rule is needed where all is loaded.
    for p in model.parameters():
        p._is_hf_initialized = True
    before = digest(model)
    ai.initialize(model, [])
    assert digest(model) == before


def test_the_original_of_a_parametrized_weight_is_filled_where_a_rule_names_it() -> None:
    model: Any = weight_norm(nn.Linear(3, 3))
    ai.initialize(model, [("original0", ai.ones()), ("original1", ai.normal(layout="OI")), ("bias", ai.zeros())], rng=3)
    assert torch.allclose(model.weight.norm(dim=1), torch.ones(3))
