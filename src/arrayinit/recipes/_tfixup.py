"""T-Fixup: transformers without normalization and without warmup."""

from __future__ import annotations

from typing import Any

from arrayinit.initializers.constant import zeros
from arrayinit.initializers.xavier import xavier_uniform
from arrayinit.models.rules import Rule
from arrayinit.recipes import names
from arrayinit.recipes.stacks import FUSED_WEIGHT, Depths, embedding_normal, refused

_NORM = "T-Fixup takes the place of layer normalization"


def tfixup(*, encoder: int = 0, decoder: int = 0, layout: str | None = None) -> list[Rule]:
    r"""Return the rules of T-Fixup, for transformers without layer normalization.

    .. math::

        w \sim \mathcal{U}(-a, a), \qquad a = g \sqrt{\frac{6}{\text{fan\_in} + \text{fan\_out}}}

    The gain :math:`g` depends on the number of layers :math:`N` of the stack to which the weight belongs:

    =============================================  ============================  ============================
    weights                                        encoder                       decoder
    =============================================  ============================  ============================
    values, output projections, feed-forward       :math:`0.67 N^{-1/4}`         :math:`(9N)^{-1/4}`
    queries, keys                                  1                             1
    =============================================  ============================  ============================

    Embeddings are :math:`\mathcal{N}(0, 1/d)`, where :math:`d` is the width, times :math:`(9N)^{-1/4}` with the
    :math:`N` of their stack. The gain of the output layer is 1. Biases start as zero.

    Parameters
    ----------
    encoder, decoder
        The number of layers of the encoder and of the decoder; 0 if the model has none.
    layout
        The layout of the weights, if the model does not tell it, such as ``"OI"`` for bare arrays.

    Returns
    -------
    list of Rule
        The rules. They have none for layer normalization: a model that has it is refused.

    Raises
    ------
    ValueError
        A number of layers is negative, or both are 0.

    Notes
    -----
    With an encoder and a decoder, names tell to which a weight belongs: a segment begins with ``encoder`` or
    ``decoder``. Embeddings of neither, such as shared ones, take the depth of the encoder, as in the authors' code. A
    weight that holds queries, keys and values together is refused: put a rule with ``parts`` for it first.

    The authors' code multiplies embeddings by :math:`\sqrt{d}` in the forward pass, and gives queries and keys the gain
    :math:`1/\sqrt{2}` of fairseq; the paper, and these rules, give them 1.

    Examples
    --------
    >>> import arrayinit as ai, numpy as np
    >>> names = [f"{stack}.layers.0.{part}.weight" for stack in ("encoder", "decoder") for part in ("q", "v", "fc1")]
    >>> model = {name: np.empty((8, 8)) for name in names}
    >>> for step in ai.plan(model, ai.recipes.tfixup(encoder=1, decoder=1, layout="OI")):
    ...     print(step.name, round(step.action.arguments["gain"], 4))
    encoder.layers.0.q.weight 1.0
    encoder.layers.0.v.weight 0.67
    encoder.layers.0.fc1.weight 0.67
    decoder.layers.0.q.weight 1.0
    decoder.layers.0.v.weight 0.5774
    decoder.layers.0.fc1.weight 0.5774

    References
    ----------
    X. S. Huang, F. Perez, J. Ba, M. Volkovs, "Improving Transformer Optimization Through Better Initialization", 2020.
    """
    depths = Depths.of(encoder, decoder)
    axes: Any = layout
    encoder_small, decoder_small = ((9.0 * n) ** -0.25 if n else 1.0 for n in depths)
    gains = 0.67 * depths.encoder**-0.25 if depths.encoder else 1.0, decoder_small
    return [
        Rule(names.NORM, refused(_NORM, "remove it, or put a rule for it first"), optional=True),
        Rule(names.BIAS, zeros(), optional=True),
        Rule(names.DECODER_EMBEDDING, embedding_normal(decoder_small), optional=True),
        Rule(names.EMBEDDING, embedding_normal(encoder_small if encoder else decoder_small), optional=True),
        Rule(names.HEAD, xavier_uniform(layout=axes), optional=True),
        Rule(names.FUSED, refused(FUSED_WEIGHT, "put a rule for it first, with parts(...)"), optional=True),
        Rule(names.QUERY_KEY, xavier_uniform(layout=axes), optional=True),
        *(Rule(selector, xavier_uniform(gain=gain, layout=axes)) for selector, gain in depths.each(*gains)),
    ]
