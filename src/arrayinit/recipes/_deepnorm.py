"""DeepNorm: residual connections that are scaled up, and weights that are scaled down, by the depth."""

from __future__ import annotations

from typing import Any, NamedTuple

from arrayinit.initializers.constant import ones, zeros
from arrayinit.initializers.kaiming import kaiming_normal
from arrayinit.initializers.xavier import xavier_normal
from arrayinit.models.rules import Rule
from arrayinit.recipes import names
from arrayinit.recipes.stacks import FUSED_WEIGHT, Depths, embedding_normal, refused


class Alpha(NamedTuple):
    """By what the residual connections are multiplied; None for a stack that the model lacks."""

    encoder: float | None
    decoder: float | None


class DeepNorm(NamedTuple):
    """The rules, and the constants of the residual connections."""

    rules: list[Rule]
    alpha: Alpha


def deepnorm(*, encoder: int = 0, decoder: int = 0, layout: str | None = None) -> DeepNorm:
    r"""Return the rules of DeepNorm, and the constants that multiply its residual connections.

    Each sublayer computes :math:`\text{LayerNorm}(\alpha x + G(x))`. The weights of :math:`G` are

    .. math::

        w \sim \mathcal{N}\left(0, \beta^2 \frac{2}{\text{fan\_in} + \text{fan\_out}}\right)

    in feed-forward layers, values and output projections. In queries and keys, :math:`\beta = 1`. With :math:`N` layers
    of an encoder and :math:`M` layers of a decoder:

    ===================  ========================  =========================  ====================  ====================
    model                encoder :math:`\alpha`    encoder :math:`\beta`      decoder               decoder
                                                                              :math:`\alpha`        :math:`\beta`
    ===================  ========================  =========================  ====================  ====================
    encoder only         :math:`(2N)^{1/4}`        :math:`(8N)^{-1/4}`
    decoder only                                                              :math:`(2M)^{1/4}`    :math:`(8M)^{-1/4}`
    encoder and decoder  :math:`0.81 (N^4          :math:`0.87 (N^4           :math:`(3M)^{1/4}`    :math:`(12M)^{-1/4}`
                         M)^{1/16}`                M)^{-1/16}`
    ===================  ========================  =========================  ====================  ====================

    Biases start as zero, and the multipliers of normalization as one. For what the paper leaves open, the rules follow
    its code: embeddings are normal with the std :math:`d^{-1/2}`, where :math:`d` is the width, and so are the weights
    of the output layer.

    Parameters
    ----------
    encoder, decoder
        The number of layers :math:`N` of the encoder, and :math:`M` of the decoder; 0 if the model has none.
    layout
        The layout of the weights, if the model does not tell it, such as ``"OI"`` for bare arrays.

    Returns
    -------
    DeepNorm
        A named tuple ``(rules, alpha)``. The model must multiply by ``alpha.encoder`` and ``alpha.decoder``: the rules
        alone are half of DeepNorm.

    Raises
    ------
    ValueError
        A number of layers is negative, or both are 0.

    Notes
    -----
    With an encoder and a decoder, names tell to which a weight belongs: a segment begins with ``encoder`` or
    ``decoder``. The last rules are those of the weights that :math:`\beta` scales: of the decoder if there is one, and
    then of the encoder.

    A weight that holds queries, keys and values together is refused. Put a rule for it first, which gives each part a
    value of its own: ``("in_proj_weight", parts(xavier_normal(), "O", ["q", "k", "v"], values={"v":
    rules[-1].value}))``.

    Examples
    --------
    >>> import arrayinit as ai, numpy as np
    >>> names = [f"layers.{i}.{part}.weight" for i in range(2) for part in ("q", "k", "v", "out", "fc1", "fc2")]
    >>> model = {name: np.empty((8, 8)) for name in names}
    >>> rules, alpha = ai.recipes.deepnorm(decoder=2, layout="OI")
    >>> round(alpha.decoder, 4)
    1.4142
    >>> print(ai.plan(model, rules)[4].action, ai.plan(model, rules)[0].action)
    xavier_normal(gain=0.5, layout='OI') xavier_normal(layout='OI')

    References
    ----------
    H. Wang et al., "DeepNet: Scaling Transformers to 1,000 Layers", 2022. S. Ma et al., "TorchScale: Transformers at
    Scale", 2022.
    """
    depths = Depths.of(encoder, decoder)
    axes: Any = layout
    beta = _beta(depths)
    rules = [
        Rule(names.NORM, ones(), optional=True),
        Rule(names.BIAS, zeros(), optional=True),
        Rule(names.EMBEDDING, embedding_normal(1.0), optional=True),
        Rule(names.HEAD, kaiming_normal(nonlinearity="linear", layout=axes), optional=True),
        Rule(names.FUSED, refused(FUSED_WEIGHT, "put a rule for it first, with parts(...)"), optional=True),
        Rule(names.QUERY_KEY, xavier_normal(layout=axes), optional=True),
    ]
    rules += [Rule(selector, xavier_normal(gain=gain, layout=axes)) for selector, gain in depths.each(*beta)]
    return DeepNorm(rules, _alpha(depths))


def _alpha(depths: Depths) -> Alpha:
    n, m = depths
    if n and m:
        return Alpha(0.81 * (n**4 * m) ** (1 / 16), (3.0 * m) ** 0.25)
    return Alpha((2.0 * n) ** 0.25 if n else None, (2.0 * m) ** 0.25 if m else None)


def _beta(depths: Depths) -> tuple[float, float]:
    """Return the gains of the encoder and of the decoder; that of a stack that the model lacks is not used."""
    n, m = depths
    if n and m:
        return 0.87 * (n**4 * m) ** (-1 / 16), (12.0 * m) ** -0.25
    return ((8.0 * n) ** -0.25 if n else 1.0), ((8.0 * m) ** -0.25 if m else 1.0)
