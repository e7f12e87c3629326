"""GPT-2, BERT and LLaMA, as the transformers library initializes them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from arrayinit import normal, ones, zeros
from arrayinit.models.actions import keep
from arrayinit.models.parameter import Parameter
from arrayinit.models.rules import Rule
from arrayinit.recipes.linear import layer
from arrayinit.recipes.of_parameter import OfParameter


def gpt2(std: float = 0.02) -> list[Rule]:
    r"""Return the rules of GPT-2.

    All weights are normal with the standard deviation ``std``. The projections that write to the residual stream
    (``c_proj``) have the standard deviation :math:`\mathrm{std} / \sqrt{2 n}`, where :math:`n` is the number of layers,
    each with two projections. The norms are ones, the biases are zeros.

    Parameters
    ----------
    std
        The standard deviation: ``initializer_range`` of the configuration.

    Returns
    -------
    list of Rule
        The rules for ``GPT2Model`` and for each model of the library that is built on it, with any head, with tied or
        untied embeddings, and with cross-attention.

    Raises
    ------
    ValueError
        ``std`` is negative or not finite.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> shapes = {"wte.weight": (96, 8), "wpe.weight": (16, 8), "ln_f.weight": (8,), "ln_f.bias": (8,)}
    >>> for n in range(2):
    ...     for part, shape in {"attn.c_attn": (8, 24), "attn.c_proj": (8, 8), "mlp.c_fc": (8, 32)}.items():
    ...         shapes |= {f"h.{n}.{part}.weight": shape, f"h.{n}.{part}.bias": shape[1:]}
    >>> model = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
    >>> plan = arrayinit.plan(model, arrayinit.recipes.gpt2())
    >>> for step in plan:
    ...     if "c_proj" in step.name:
    ...         print(step.name, step.action)
    h.0.attn.c_proj.weight normal(std=0.01)
    h.0.attn.c_proj.bias zeros()
    h.1.attn.c_proj.weight normal(std=0.01)
    h.1.attn.c_proj.bias zeros()

    References
    ----------
    A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, section 2.3. Hugging Face,
    transformers 5.24.0, ``models/gpt2/modeling_gpt2.py``, ``GPT2PreTrainedModel._init_weights``.
    """
    weight = normal(std=std)
    residual = OfParameter("normal(std) / sqrt(2 * layers)", lambda p: weight / (2 * p.size("layer")) ** 0.5)
    return [
        *layer("ln_*", ones()),
        Rule("wte.weight", weight),
        Rule("wpe.weight", weight),
        *layer("c_attn", weight),
        *layer("q_attn", weight, optional=True),
        *layer("c_fc", weight),
        *layer("h.{layer}.*.c_proj", residual),
        Rule("lm_head.weight", weight, optional=True),
        Rule("score.weight", weight, optional=True),
        *layer("classifier", weight, optional=True),
        *layer("qa_outputs", weight, optional=True),
        *layer("summary", weight, optional=True),
    ]


def bert(std: float = 0.02) -> list[Rule]:
    r"""Return the rules of BERT.

    All weights and embeddings are normal with the standard deviation ``std``; the row of the padding token is zeros.
    The norms are ones, the biases are zeros.

    Parameters
    ----------
    std
        The standard deviation: ``initializer_range`` of the configuration.

    Returns
    -------
    list of Rule
        The rules for ``BertModel``, with and without a pooler, and for each model of the library that is built on it,
        with any head, with tied or untied embeddings, and with cross-attention.

    Raises
    ------
    ValueError
        ``std`` is negative or not finite.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> shapes = {"embeddings.word_embeddings.weight": (96, 8), "embeddings.LayerNorm.weight": (8,)}
    >>> shapes["encoder.layer.0.attention.self.query.weight"] = 8, 8
    >>> shapes["encoder.layer.0.output.dense.weight"] = 8, 32
    >>> model = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
    >>> for step in arrayinit.plan(model, arrayinit.recipes.bert()):
    ...     print(step.name, step.action)
    embeddings.word_embeddings.weight normal(std=0.02)
    embeddings.LayerNorm.weight ones()
    encoder.layer.0.attention.self.query.weight normal(std=0.02)
    encoder.layer.0.output.dense.weight normal(std=0.02)

    References
    ----------
    J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", 2018. Hugging
    Face, transformers 5.24.0, ``models/bert/modeling_bert.py``, ``BertPreTrainedModel._init_weights``.
    """
    weight = normal(std=std)
    return [
        *layer("LayerNorm", ones()),
        Rule("embeddings.*_embeddings.weight", weight),
        *layer("*attention.self.*", weight),
        *layer("dense", weight),
        Rule("predictions.bias", zeros(), optional=True),
        *layer("predictions.decoder", weight, optional=True),
        *layer("seq_relationship", weight, optional=True),
        *layer("classifier", weight, optional=True),
        *layer("qa_outputs", weight, optional=True),
        Rule("embeddings.position_ids", _POSITIONS, optional=True),
        Rule("embeddings.token_type_ids", zeros(), optional=True),
    ]


def llama(std: float = 0.02) -> list[Rule]:
    r"""Return the rules of LLaMA.

    All weights and embeddings are normal with the standard deviation ``std``; the row of the padding token is zeros.
    The norms are ones. The biases, of models that have some, are zeros.

    Parameters
    ----------
    std
        The standard deviation: ``initializer_range`` of the configuration.

    Returns
    -------
    list of Rule
        The rules for ``LlamaModel`` and for each model of the library that is built on it, with any head, with tied or
        untied embeddings, and with biases.

    Raises
    ------
    ValueError
        ``std`` is negative or not finite.

    Notes
    -----
    `torchtitan_llama3` has the rules by which torchtitan trains the same network from scratch.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> shapes = {"model.embed_tokens.weight": (96, 8), "model.layers.0.self_attn.q_proj.weight": (8, 8)}
    >>> shapes |= {"model.layers.0.input_layernorm.weight": (8,), "lm_head.weight": (96, 8)}
    >>> model = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
    >>> for step in arrayinit.plan(model, arrayinit.recipes.llama()):
    ...     print(step.name, step.action)
    model.embed_tokens.weight normal(std=0.02)
    model.layers.0.self_attn.q_proj.weight normal(std=0.02)
    model.layers.0.input_layernorm.weight ones()
    lm_head.weight normal(std=0.02)

    References
    ----------
    H. Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", 2023. Hugging Face, transformers 5.24.0,
    ``modeling_utils.py``, ``PreTrainedModel._init_weights``.
    """
    weight = normal(std=std)
    return [
        Rule("*norm.weight", ones()),
        Rule("embed_tokens.weight", weight),
        *layer("*_proj", weight),
        Rule("lm_head.weight", weight, optional=True),
        *layer("score", weight, optional=True),
        *layer("qa_outputs", weight, optional=True),
        Rule("rotary_emb.*inv_freq", _FREQUENCIES, optional=True),
    ]


def _positions(p: Parameter) -> Any:
    return keep() if p.has_values else np.arange(p.shape[-1]).reshape(p.shape)


def _frequencies(p: Parameter) -> Any:
    """Return what the layer itself computes from its configuration."""
    if p.has_values:
        return keep()
    rotary, kind = p.module, p.module.rope_type
    if kind == "default":
        return rotary.compute_default_rope_parameters(rotary.config)[0]
    known = sys.modules["transformers.modeling_rope_utils"].ROPE_INIT_FUNCTIONS
    return known[kind](rotary.config)[0]


# Buffers that need values on the meta device only.
_POSITIONS = OfParameter("0, 1, 2, ...", _positions)
_FREQUENCIES = OfParameter("the frequencies of the layer", _frequencies)
