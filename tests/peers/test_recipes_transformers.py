"""docs/recipes.md: `_init_weights` by arrayinit fills what a checkpoint lacks, and keeps what was loaded."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import peer
from recipes import run

import arrayinit

pytestmark = pytest.mark.peers

SEED = 3


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    peer("torch")
    transformers = peer("transformers")
    transformers.logging.disable_progress_bar()
    # The page replaces this for good.
    bert = transformers.BertPreTrainedModel
    monkeypatch.setattr(bert, "_init_weights", bert._init_weights)
    run.cache_clear()
    yield run("A model of transformers")
    run.cache_clear()


def two_layers(recipe: dict[str, Any]) -> Any:
    return recipe["TwoLayers"](recipe["Config"](seed=SEED))


def bert(_: dict[str, Any]) -> Any:
    transformers = peer("transformers")
    sizes = {"vocab_size": 11, "hidden_size": 8, "intermediate_size": 12, "max_position_embeddings": 7}
    config = transformers.BertConfig(num_hidden_layers=1, num_attention_heads=2, seed=SEED, **sizes)
    return transformers.BertForSequenceClassification(config)


# What the checkpoint lacks, by the name that the seed is given.
CASES: dict[str, tuple[Callable[[dict[str, Any]], Any], str, str]] = {
    "a model of one's own": (two_layers, "", "inner.bias"),
    "the classifier of BERT": (bert, "", "classifier.bias"),
    "the encoder within it": (bert, "bert.", "encoder.layer.0.attention.self.query.bias"),
}


def save(model: Any, lacking: str, directory: Path) -> dict[str, Any]:
    """Save a checkpoint of values that no initializer gives, without one of them, and return the rest."""
    torch, files = peer("torch"), importlib.import_module("safetensors.torch")
    with torch.no_grad():
        for number, x in enumerate(model.parameters()):
            x.copy_(torch.linspace(3.0 + number, 4.0 + number, x.numel()).view(x.shape))
    model.save_pretrained(directory)
    file = directory / "model.safetensors"
    weights = files.load_file(file)
    del weights[lacking]
    files.save_file(weights, file, metadata={"format": "pt"})
    return weights


def load(model: Any, directory: Path) -> tuple[dict[str, Any], set[str]]:
    loaded, info = type(model).from_pretrained(directory, output_loading_info=True)
    return {**dict(loaded.named_buffers()), **loaded.state_dict()}, set(info["missing_keys"])


@pytest.mark.parametrize("case", CASES)
def test_what_was_loaded_is_kept_and_what_is_missing_is_filled(
    case: str, recipe: dict[str, Any], tmp_path: Path
) -> None:
    torch = peer("torch")
    make, prefix, name = CASES[case]
    model = make(recipe)
    saved = save(model, prefix + name, tmp_path)
    loaded, missing = load(model, tmp_path)
    assert missing == {prefix + name}
    for key, x in saved.items():
        assert torch.equal(loaded[key], x), key
    bias = loaded[prefix + name]
    expected = arrayinit.uniform_(torch.empty_like(bias), -0.1, 0.1, rng=arrayinit.fold_in(SEED, name))
    assert torch.equal(bias, expected)


def test_a_new_model_is_filled_whole_by_name(recipe: dict[str, Any]) -> None:
    torch = peer("torch")
    for prefix, model in (("", two_layers(recipe)), ("bert.", bert(recipe))):
        for name, x in model.named_parameters():
            rng, y = arrayinit.fold_in(SEED, name.removeprefix(prefix)), torch.empty_like(x)
            if name.endswith("bias"):
                arrayinit.uniform_(y, -0.1, 0.1, rng=rng)
            elif x.ndim > 1:
                arrayinit.kaiming_normal_(y, nonlinearity="relu", rng=rng)
            else:
                arrayinit.ones_(y)
            assert torch.equal(x, y), name


def test_buffers_that_no_checkpoint_holds_are_filled(recipe: dict[str, Any], tmp_path: Path) -> None:
    model = bert(recipe)
    save(model, "classifier.bias", tmp_path)
    loaded, _ = load(model, tmp_path)
    assert loaded["bert.embeddings.position_ids"].tolist() == [list(range(7))]
    assert not loaded["bert.embeddings.token_type_ids"].any()


def test_without_the_flag_loaded_weights_are_lost(recipe: dict[str, Any], tmp_path: Path) -> None:
    recipe["unless_loaded"].__code__ = (lambda fill, x, *arguments, **options: fill(x, *arguments, **options)).__code__
    model = two_layers(recipe)
    saved = save(model, "inner.bias", tmp_path)
    loaded, _ = load(model, tmp_path)
    assert not peer("torch").equal(loaded["inner.weight"], saved["inner.weight"])
