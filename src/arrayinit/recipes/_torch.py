"""The defaults of the layers of torch."""

from __future__ import annotations

from arrayinit.initializers.basic import normal
from arrayinit.initializers.constant import constant, ones, zeros
from arrayinit.initializers.xavier import xavier_normal, xavier_uniform
from arrayinit.models.rules import Rule
from arrayinit.models.selectors import is_of_class
from arrayinit.recipes.linear import BIAS_OF_TORCH, WEIGHT_OF_TORCH, uniform_within
from arrayinit.recipes.of_layers import of_layers
from arrayinit.recipes.of_parameter import OfParameter


def torch_defaults() -> list[Rule]:
    r"""Return rules that give the layers of torch their default weights.

    From the same state of torch's generator, they give the bits of the constructors. `torch.nn.MultiheadAttention` and
    the layers of transformers are an exception: their constructors draw some weights twice, or in another order. Each
    of their parameters has the distribution of the constructor.

    =============================================  ==================================================================
    layer                                          value
    =============================================  ==================================================================
    ``Linear``, ``Conv*``, ``ConvTranspose*``      weight and bias: :math:`U(-1/\sqrt{n}, 1/\sqrt{n})`, where
                                                   :math:`n` is the product of all axes of the weight but the first
    ``Bilinear``                                   the same, where :math:`n` is ``in1_features``
    ``RNN``, ``LSTM``, ``GRU`` and their cells     the same for all parameters, where :math:`n` is ``hidden_size``
    ``Embedding``, ``EmbeddingBag``                :math:`N(0, 1)`; the row ``padding_idx`` is 0
    ``MultiheadAttention``                         projections of the inputs: :math:`U(-b, b)` with
                                                   :math:`b = \sqrt{6 / (n_{in} + n_{out})}`; of the output: as
                                                   ``Linear``; biases 0; ``bias_k`` and ``bias_v``:
                                                   :math:`N(0, 1/n)`, where :math:`n` is ``embed_dim``
    ``Transformer``                                all weights of two axes or more: :math:`U(-b, b)`, with the same
                                                   :math:`b`
    normalization                                  weight 1, bias 0; running mean 0, running variance 1
    ``PReLU``                                      ``init``, which is 0.25
    =============================================  ==================================================================

    Returns
    -------
    list of Rule
        The rules. All are optional: a model need not have each layer.

    Raises
    ------
    TypeError
        An argument: ``torch_defaults`` takes none.

    Notes
    -----
    The running statistics of normalization layers begin anew, as by ``reset_parameters``. To keep those of a pretrained
    part, put ``("backbone.**.running_*", keep())`` and ``("backbone.**.num_batches_tracked", keep())`` first.

    A parametrized layer is refused, until you add a rule for its ``original``. A lazy layer is refused until it has run
    once.

    `torch.nn.TransformerEncoder` and `torch.nn.TransformerDecoder` copy one layer, so that all their layers begin with
    the same weights. These rules give each layer weights of its own.

    Examples
    --------
    >>> import arrayinit as ai
    >>> rules = ai.recipes.torch_defaults()
    >>> print(rules[-1])
    Rule(selector='<torch.nn.PReLU>', value={'weight': constant(module.init)}, optional=True)

    The first rule that takes a parameter decides. Put your own rules first:

    >>> rules = [("head.weight", ai.zeros()), *rules]

    References
    ----------
    PyTorch 2.13.0, ``reset_parameters`` and ``_reset_parameters`` in ``torch/nn/modules``: ``linear.py``, ``conv.py``,
    ``rnn.py``, ``sparse.py``, ``batchnorm.py``, ``normalization.py``, ``activation.py``, ``transformer.py``.
    """
    linear = {"weight": WEIGHT_OF_TORCH, "bias": BIAS_OF_TORCH}
    # torch takes the fans of each weight as if its first two axes were (out, in).
    transposed = {"weight": WEIGHT_OF_TORCH.replace(layout="OI..."), "bias": BIAS_OF_TORCH}
    projections = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
    attention = {
        **dict.fromkeys(projections, xavier_uniform()),
        "in_proj_bias": zeros(),
        **dict.fromkeys(("bias_k", "bias_v"), xavier_normal(layout="OI...")),
    }
    affine = {"weight": ones(), "bias": zeros()}
    statistics = {"running_mean": zeros(), "running_var": ones(), "num_batches_tracked": zeros()}
    return [
        Rule(_IN_TRANSFORMER, xavier_uniform(layout="OI..."), optional=True),
        *of_layers(
            "torch.nn",
            {
                # The last projection of MultiheadAttention.
                "modules.linear.NonDynamicallyQuantizableLinear": {**linear, "bias": zeros()},
                "Linear Conv1d Conv2d Conv3d": linear,
                "ConvTranspose1d ConvTranspose2d ConvTranspose3d": transposed,
                "Bilinear": dict.fromkeys(("weight", "bias"), _within("in1_features")),
                "RNNBase RNNCellBase": _within("hidden_size"),
                "Embedding EmbeddingBag": {"weight": normal()},
                "MultiheadAttention": attention,
                # The base of all batch and instance normalization: the lazy ones have no other in common.
                "modules.batchnorm._NormBase": {**affine, **statistics},
                "LayerNorm GroupNorm RMSNorm": affine,
                "PReLU": {"weight": OfParameter("constant(module.init)", lambda p: constant(p.module.init))},
            },
        ),
    ]


def _within(size: str) -> OfParameter:
    """Return the uniform distribution whose bound is by a size that the layer has."""
    formula = f"uniform(-b, b) with b = 1 / sqrt(module.{size})"
    return OfParameter(formula, lambda p: uniform_within(getattr(p.module, size)))


_IN_TRANSFORMER = OfParameter(
    "a parameter of two axes or more in a torch.nn.Transformer",
    lambda p: len(p.shape) > 1 and any(is_of_class(holder, ("torch.nn.Transformer",)) for holder in p.holders),
)
