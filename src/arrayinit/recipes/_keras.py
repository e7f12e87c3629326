"""The defaults of the layers of Keras."""

from __future__ import annotations

import math
from typing import Any

from arrayinit.initializers.basic import trunc_normal, uniform
from arrayinit.initializers.constant import ones, zeros
from arrayinit.initializers.orthogonal import orthogonal
from arrayinit.initializers.xavier import xavier_uniform
from arrayinit.models.parameter import Parameter
from arrayinit.models.parts import parts
from arrayinit.models.rules import Rule
from arrayinit.recipes.laid_out import laid_out
from arrayinit.recipes.of_layers import of_layers
from arrayinit.recipes.of_parameter import OfParameter
from arrayinit.values.value import Initializer


def keras_defaults() -> list[Rule]:
    r"""Return rules that give the layers of Keras the distributions of their default weights.

    ========================================================  =======================================================
    variable                                                  value
    ========================================================  =======================================================
    kernel of all layers, depthwise and pointwise kernel      :math:`U(-b, b)` with
                                                              :math:`b = \sqrt{6 / (n_{in} + n_{out})}`, Glorot
                                                              uniform
    recurrent kernel                                          orthogonal
    embeddings                                                :math:`U(-0.05, 0.05)`
    gamma, scale, variances of normalization                  1
    beta, bias, means of normalization                        0; 1 in the forget gate of ``LSTM`` and ``ConvLSTM*``
    alpha of ``PReLU``                                        0
    scale of ``AdditiveAttention``                            :math:`U(-b, b)` with :math:`b = \sqrt{3 / n}`
    vector of ``SpectralNormalization``                       :math:`N(0, 0.02^2)`, truncated at :math:`\pm 0.04`
    ========================================================  =======================================================

    Returns
    -------
    list of Rule
        One rule for each class. All are optional: a model need not have each layer.

    Raises
    ------
    TypeError
        An argument: ``keras_defaults`` takes none.

    Notes
    -----
    Keras reads the fans of each kernel as if its axes were (\*kernel, in, out), also those of transposed and depthwise
    convolutions, and it counts the outputs of all groups. So do these rules. For ``EinsumDense``, and so for attention,
    each axis that the output has counts as an output.

    ``Normalization`` keeps the statistics that it has learned by ``adapt``. Variables that Keras adds for LoRA and for
    quantization have no rule.

    Examples
    --------
    >>> import arrayinit as ai
    >>> rules = ai.recipes.keras_defaults()
    >>> print(rules[0])
    Rule(selector='<keras.layers.Dense>', value={'kernel': xavier_uniform(), 'bias': zeros()}, optional=True)

    References
    ----------
    Keras 3.15.1, the constructors in ``keras/src/layers``, and ``compute_fans`` in
    ``keras/src/initializers/random_initializers.py``.
    """
    glorot = xavier_uniform(layout="...IO", groups=1)
    recurrent = {"kernel": glorot, "recurrent_kernel": orthogonal(layout="...IO"), "bias": zeros()}
    affine = {"gamma": ones(), "beta": zeros()}
    embeddings = uniform(-0.05, 0.05)
    separable = {"depthwise_kernel": glorot, "pointwise_kernel": glorot, "bias": zeros()}
    moments = {"moving_mean": zeros(), "moving_variance": ones(), "moving_stddev": ones()}
    renorm = {"renorm_mean": zeros(), "renorm_stddev": ones()}
    convolutions = "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose"
    return of_layers(
        "keras.layers",
        {
            "Dense": {"kernel": xavier_uniform(), "bias": zeros()},
            "EinsumDense": {"kernel": _BY_EQUATION, "bias": zeros()},
            f"{convolutions} DepthwiseConv1D DepthwiseConv2D": {"kernel": glorot, "bias": zeros()},
            "SeparableConv1D SeparableConv2D": separable,
            "Embedding": {"embeddings": embeddings, "reverse_embeddings": embeddings},
            "SimpleRNNCell GRUCell": recurrent,
            "LSTMCell": {**recurrent, "bias": _GATES},
            "BatchNormalization": {**affine, **moments, **renorm},
            "LayerNormalization GroupNormalization": affine,
            "RMSNormalization": {"scale": ones()},
            "SpectralNormalization": {"vector_u": trunc_normal(std=0.02, a=-0.04, b=0.04)},
            "PReLU": {"alpha": zeros()},
            "AdditiveAttention": {"scale": _SCALE},
            "Attention": {"scale": ones(), "concat_score_weight": ones()},
        },
    ) + of_layers("keras.src.layers.rnn.conv_lstm", {"ConvLSTMCell": {**recurrent, "bias": _GATES}})


def _gates(p: Parameter) -> Any:
    return _FORGETFUL if p.module.unit_forget_bias else zeros()


def _by_equation(p: Parameter) -> Initializer:
    return laid_out(xavier_uniform(), p.layout and p.layout.replace("B", "O"))


def _scale(p: Parameter) -> Initializer:
    bound = math.sqrt(3 / p.shape[0])
    return uniform(-bound, bound)


_FORGETFUL = parts(zeros(), "O", ["input", "forget", "cell", "output"], values={"forget": ones()})
_GATES = OfParameter(f"{_FORGETFUL!r} if module.unit_forget_bias else zeros()", _gates)
_BY_EQUATION = OfParameter("xavier_uniform(layout=p.layout.replace('B', 'O'))", _by_equation)
_SCALE = OfParameter("uniform(-b, b) with b = sqrt(3 / p.shape[0])", _scale)
