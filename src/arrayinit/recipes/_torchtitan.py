"""Llama 3, as torchtitan initializes it."""

from __future__ import annotations

from typing import Any

from arrayinit import normal, ones, trunc_normal
from arrayinit.models.actions import keep
from arrayinit.models.parameter import Parameter
from arrayinit.models.rules import Rule
from arrayinit.recipes.of_parameter import OfParameter


def torchtitan_llama3(*, enable_weight_tying: bool = False) -> list[Rule]:
    r"""Return the rules of torchtitan's Llama 3.

    The embedding is a standard normal. The projections to queries, keys and values, and ``w1`` of the MLP, are normal
    with the standard deviation 0.02, truncated at ±2. The other projections of layer :math:`l = 0, 1, \ldots` (``wo``,
    ``w2``, ``w3``) have the standard deviation :math:`0.02 / \sqrt{2 (l + 1)}`. The output has the standard deviation
    :math:`s = 1 / \sqrt{\mathrm{dim}}` before it is truncated at :math:`\pm 3 s`. The norms are ones.

    Parameters
    ----------
    enable_weight_tying
        Whether the embedding is tied to the output, as in the models of 1B and 3B. It then has the law of the output.

    Returns
    -------
    list of Rule
        The rules for ``Llama3Model``, with fused or separate queries, keys and values.

    Raises
    ------
    TypeError
        ``enable_weight_tying`` is passed by position.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> names = ["tok_embeddings", "layers.0.attention.wo", "layers.1.attention.wo", "layers.1.feed_forward.w2"]
    >>> names += ["layers.1.feed_forward.w1", "layers.1.feed_forward.w3", "layers.1.attention.qkv_linear.wq", "lm_head"]
    >>> model = {f"{name}.weight": np.empty((16, 16), np.float32) for name in names}
    >>> model["norm.weight"] = np.empty(16, np.float32)
    >>> for step in arrayinit.plan(model, arrayinit.recipes.torchtitan_llama3()):
    ...     print(step.name, step.action)
    tok_embeddings.weight normal()
    layers.0.attention.wo.weight trunc_normal(std=0.014142135623730949)
    layers.1.attention.wo.weight trunc_normal(std=0.01)
    layers.1.feed_forward.w2.weight trunc_normal(std=0.01)
    layers.1.feed_forward.w1.weight trunc_normal(std=0.02)
    layers.1.feed_forward.w3.weight trunc_normal(std=0.01)
    layers.1.attention.qkv_linear.wq.weight trunc_normal(std=0.02)
    lm_head.weight trunc_normal(std=0.25, a=-0.75, b=0.75)
    norm.weight ones()

    References
    ----------
    W. Liang et al., "TorchTitan: One-stop PyTorch native solution for production ready LLM pre-training", 2024.
    torchtitan 0.3.0, ``models/llama3/__init__.py``, and ``models/common/param_init.py``.
    """
    tied = [Rule("tok_embeddings.weight", _OUTPUT), Rule("lm_head.weight", _OUTPUT, optional=True)]
    untied = [Rule("tok_embeddings.weight", normal()), Rule("lm_head.weight", _OUTPUT)]
    return [
        Rule("*norm.weight", ones()),
        *(tied if enable_weight_tying else untied),
        Rule("attention.qkv_linear.*.weight", _WEIGHT),
        Rule("layers.{layer}.attention.wo.weight", _OF_DEPTH),
        Rule("feed_forward.w1.weight", _WEIGHT),
        Rule("layers.{layer}.feed_forward.w2.weight", _OF_DEPTH),
        Rule("layers.{layer}.feed_forward.w3.weight", _OF_DEPTH),
        Rule("rope.cache", _rotary_table(), optional=True),
    ]


def _output(p: Parameter) -> Any:
    std = p.shape[-1] ** -0.5
    return trunc_normal(std=std, a=-3 * std, b=3 * std)


def _of_depth(p: Parameter) -> Any:
    return trunc_normal(std=0.02 / (2 * (int(p["layer"]) + 1)) ** 0.5)


def _rotary_table() -> OfParameter:
    """Return what the layers themselves compute, where they have no memory yet."""
    tables: dict[str, Any] = {}

    def table(p: Parameter) -> Any:
        if p.has_values:
            return keep()
        # Some have 64 MiB, and the layers of a model have equal ones.
        kind = repr(p.module.config)
        if kind not in tables:
            tables[kind] = p.module._precompute_cache()  # noqa: SLF001
        return tables[kind]

    return OfParameter("the rotary table of the layer", table)


_WEIGHT = trunc_normal(std=0.02)
_OF_DEPTH = OfParameter("trunc_normal(std=0.02 / sqrt(2 * (layer + 1)))", _of_depth)
_OUTPUT = OfParameter("trunc_normal(std=s, a=-3*s, b=3*s) with s = 1 / sqrt(dim)", _output)
