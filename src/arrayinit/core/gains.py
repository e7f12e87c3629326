"""The recommended gain of each nonlinearity."""

from __future__ import annotations

import math
from typing import Literal

from arrayinit.core.numbers import finite, shown

Nonlinearity = Literal[
    "linear",
    "identity",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "selu",
]

# The squares are kept, and not the gains: a variance 2 / fan is then exact where sqrt(2)**2 / fan is not.
_SQUARED_GAINS: dict[str, float] = {
    "linear": 1.0,
    "identity": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 25.0 / 9.0,
    "relu": 2.0,
    "selu": 9.0 / 16.0,
}


def squared_gain(nonlinearity: Nonlinearity, param: float | None = None) -> float:
    """Return gain ** 2; see `calculate_gain`."""
    name = nonlinearity if isinstance(nonlinearity, str) else ""
    if name == "leaky_relu":
        try:
            slope = finite("the negative slope", 0.01 if param is None else param)
        except TypeError as error:
            # As torch.
            raise ValueError(error) from None
        return 2.0 / (1.0 + slope * slope)
    if name in _SQUARED_GAINS:
        return _SQUARED_GAINS[name]
    accepted = ", ".join([*_SQUARED_GAINS, "leaky_relu"])
    raise ValueError(f"nonlinearity must be one of {accepted}; got {shown(nonlinearity)}")


def calculate_gain(nonlinearity: Nonlinearity, param: float | None = None) -> float:
    r"""Return the gain that keeps the variance of a signal through ``nonlinearity``.

    ============================================  ======================================
    nonlinearity                                  gain
    ============================================  ======================================
    linear, identity, conv1d ... conv3d,          :math:`1`
    conv_transpose1d ... conv_transpose3d
    sigmoid                                       :math:`1`
    tanh                                          :math:`5 / 3`
    relu                                          :math:`\sqrt{2}`
    leaky_relu                                    :math:`\sqrt{2 / (1 + \text{slope}^2)}`
    selu                                          :math:`3 / 4`
    ============================================  ======================================

    Parameters
    ----------
    nonlinearity
        Name of the function, as in the table.
    param
        The negative slope of ``leaky_relu``; 0.01 if None. The others ignore it.

    Returns
    -------
    float
        The gain, dimensionless.

    Raises
    ------
    ValueError
        Unknown nonlinearity; a slope that is not a finite number.

    Examples
    --------
    >>> import arrayinit
    >>> arrayinit.calculate_gain("leaky_relu", 0.2)
    1.3867504905630728

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet
    Classification", 2015. G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-Normalizing Neural Networks",
    2017: their fixed point wants the gain of ``linear``; the 3/4 for selu is torch's empirical value.
    """
    return math.sqrt(squared_gain(nonlinearity, param))
