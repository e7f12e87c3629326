"""Models of transformers, and the recipes that are to initialize them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from real_models import Case

from arrayinit import recipes

SIZES = {"vocab_size": 256, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 256}


def cases() -> dict[str, Case]:
    return {**gpt2(), **bert(), **llama(), **large()}


def of(config: str, model: str, **options: Any) -> Callable[[], Any]:
    """Return the function that builds a model."""
    import transformers

    made = getattr(transformers, config)(**{"hidden_size": 256, "num_labels": 128, **SIZES, **options})
    return lambda: getattr(transformers, model)(made)


def gpt2() -> dict[str, Case]:
    def case(model: str, **options: Any) -> Case:
        more = {"n_inner": 384, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0, **options}
        return Case("gpt2", recipes.gpt2(), of("GPT2Config", model, **more))

    return {
        "GPT-2": case("GPT2LMHeadModel"),
        "GPT-2 of three layers without a head": case("GPT2Model", num_hidden_layers=3),
        "GPT-2 that is not tied": case("GPT2LMHeadModel", tie_word_embeddings=False),
        "GPT-2 with cross-attention": case("GPT2LMHeadModel", add_cross_attention=True),
        "GPT-2 with two heads": case("GPT2DoubleHeadsModel", num_labels=1),
        "GPT-2 for sequences": case("GPT2ForSequenceClassification"),
        "GPT-2 for tokens": case("GPT2ForTokenClassification"),
        "GPT-2 for answers": case("GPT2ForQuestionAnswering"),
    }


def bert() -> dict[str, Case]:
    def case(model: str, **options: Any) -> Case:
        more = {"intermediate_size": 384, "type_vocab_size": 256, "pad_token_id": 3, **options}
        return Case("bert", recipes.bert(0.05), of("BertConfig", model, initializer_range=0.05, **more))

    return {
        "BERT": case("BertForSequenceClassification", num_labels=256),
        "BERT without a pooler": case("BertForMaskedLM"),
        "BERT for pretraining": case("BertForPreTraining"),
        "BERT that is not tied": case("BertForPreTraining", tie_word_embeddings=False),
        "BERT that decodes": case("BertLMHeadModel", is_decoder=True, add_cross_attention=True),
        "BERT for the next sentence": case("BertForNextSentencePrediction"),
        "BERT for choices": case("BertForMultipleChoice"),
        "BERT for tokens": case("BertForTokenClassification"),
        "BERT for answers": case("BertForQuestionAnswering"),
    }


def llama() -> dict[str, Case]:
    def case(model: str, **options: Any) -> Case:
        more = {"intermediate_size": 384, "num_key_value_heads": 1, "head_dim": 256, "pad_token_id": 5, **options}
        return Case("llama", recipes.llama(0.03), of("LlamaConfig", model, initializer_range=0.03, **more))

    scaled = {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}
    return {
        "LLaMA": case("LlamaForCausalLM"),
        "LLaMA that is tied": case("LlamaForCausalLM", tie_word_embeddings=True),
        "LLaMA without a head": case("LlamaModel"),
        "LLaMA with biases": case("LlamaForCausalLM", attention_bias=True, mlp_bias=True),
        "LLaMA with scaled frequencies": case("LlamaModel", rope_parameters=scaled),
        "LLaMA for sequences": case("LlamaForSequenceClassification"),
        "LLaMA for tokens": case("LlamaForTokenClassification"),
        "LLaMA for answers": case("LlamaForQuestionAnswering"),
    }


def large() -> dict[str, Case]:
    """Return models of the published sizes."""
    sizes = {"num_hidden_layers": 48, "num_attention_heads": 25, "hidden_size": 1600, "vocab_size": 50257}
    theirs = {"num_hidden_layers": 126, "num_attention_heads": 128, "hidden_size": 16384, "intermediate_size": 53248}
    return {
        "GPT-2 XL": Case("gpt2", recipes.gpt2(), of("GPT2Config", "GPT2LMHeadModel", **sizes), is_large=True),
        "LLaMA 405B": Case("llama", recipes.llama(), of("LlamaConfig", "LlamaForCausalLM", **theirs), is_large=True),
    }
