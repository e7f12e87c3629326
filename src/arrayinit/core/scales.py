"""Gains of nonlinearities, and the standard deviations of the fan-based initializers."""

from __future__ import annotations

import math
from numbers import Real
from typing import Literal, NamedTuple, get_args

from arrayinit.core.autograph import as_written
from arrayinit.core.numbers import concrete, finite, non_negative, positive, shown

Mode = Literal["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]

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
    "selu",
    "leaky_relu",
]

# The squares of the gains: 2 / fan is an exact variance, sqrt(2)**2 / fan is not.
_SQUARED_GAINS = dict.fromkeys(get_args(Nonlinearity), 1.0) | {"tanh": 25.0 / 9.0, "relu": 2.0, "selu": 9.0 / 16.0}


# A gain has two definitions, for a standard normal z. 1 / sqrt(E[f(z)^2]) keeps the second moment. 1 / sqrt(Var[f(z)])
# keeps the standard deviation; timm has estimates of these gains. Both definitions agree if E[f(z)] = 0.
_NO_AGREEMENT = {
    "gelu": "1.5335 keeps the second moment, 1.7009 the standard deviation (timm uses 1.7015)",
    "silu": "1.6765 keeps the second moment, 1.7872 the standard deviation (timm uses 1.7881)",
}
_NO_AGREEMENT["swish"] = _NO_AGREEMENT["silu"]


def squared_gain(nonlinearity: Nonlinearity, param: float | None = None) -> float:
    """Return gain ** 2; see `calculate_gain`."""
    name = nonlinearity if isinstance(nonlinearity, str) else ""
    if name == "leaky_relu":
        if type(param) is float and -math.inf < param < math.inf:
            return 2.0 / (1.0 + param * param)
        # A traced number is a TypeError.
        given = 0.01 if param is None else concrete("the negative slope", param)
        try:
            slope = finite("the negative slope", given)
        except TypeError as error:
            # torch raises a ValueError too.
            raise ValueError(error) from None
        return 2.0 / (1.0 + slope * slope)
    if name in _SQUARED_GAINS:
        return _SQUARED_GAINS[name]
    raise unknown(nonlinearity)


def unknown(nonlinearity: object) -> ValueError:
    """Return the error for an unknown nonlinearity."""
    known = _NO_AGREEMENT.get(nonlinearity.lower()) if isinstance(nonlinearity, str) else None
    hint = f"no table agrees on its gain: {known}; " if known else ""
    return ValueError(
        f"nonlinearity must be one of {', '.join(_SQUARED_GAINS)}; got {shown(nonlinearity)}; {hint}"
        "kaiming_uniform_ and kaiming_normal_ also take a number as nonlinearity, the gain itself"
    )


@as_written
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
        Name of the function, from the table.
    param
        The negative slope of ``leaky_relu``; None means 0.01. Other nonlinearities ignore it.

    Returns
    -------
    float
        The gain, dimensionless.

    Raises
    ------
    ValueError
        Unknown nonlinearity; a slope that is not a finite number.
    TypeError
        A slope that is a traced array.

    Notes
    -----
    For ``gelu`` and ``silu``, pass the gain as a number: `kaiming_uniform_` and `kaiming_normal_` take a number as
    ``nonlinearity``. No two tables agree on these gains, and torch has neither. Let :math:`z` be a standard normal.
    :math:`1 / \sqrt{E f(z)^2}` keeps the second moment of the signal, and is 1.5335 for gelu and 1.6765 for silu.
    :math:`1 / \sqrt{\text{Var} f(z)}` keeps the standard deviation, and is 1.7009 and 1.7872; timm uses 1.7015 and
    1.7881.

    Examples
    --------
    >>> import arrayinit
    >>> arrayinit.calculate_gain("leaky_relu", 0.2)
    1.3867504905630728

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet
    Classification", 2015. G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-Normalizing Neural Networks",
    2017: its fixed point needs the gain of ``linear``; torch's 3/4 for selu is empirical.
    """
    return math.sqrt(squared_gain(nonlinearity, param))


class Scale(NamedTuple):
    """A standard deviation, rounded in the order of torch, and a variance, rounded in the order of JAX."""

    std: float
    variance: float


def xavier(fan_in: int, fan_out: int, gain: float) -> Scale:
    """Return std = gain * sqrt(2 / (fan_in + fan_out))."""
    gain = non_negative("gain", gain)
    total = _divisor(fan_in + fan_out)
    return Scale(gain * math.sqrt(2.0 / total), gain * gain / (total / 2.0))


def kaiming(fan_in: int, fan_out: int, a: float, mode: Mode, nonlinearity: Nonlinearity | float) -> Scale:
    """Return std = gain / sqrt(fan); ``nonlinearity`` is the name of a function, or the gain as a number."""
    fan = _divisor(fan_for_mode(fan_in, fan_out, mode))
    if isinstance(nonlinearity, str):
        square = squared_gain(nonlinearity, a)
        return Scale(math.sqrt(square) / math.sqrt(fan), square / fan)
    number = concrete("nonlinearity", nonlinearity)
    if isinstance(number, bool) or not isinstance(number, Real):
        raise unknown(nonlinearity)
    gain = non_negative("nonlinearity", nonlinearity)
    return Scale(gain / math.sqrt(fan), gain * gain / fan)


def variance_scaling(fan_in: int, fan_out: int, scale: float, mode: Mode) -> Scale:
    """Return std = sqrt(scale / fan)."""
    variance = positive("scale", scale) / _divisor(fan_for_mode(fan_in, fan_out, mode))
    if not variance:
        raise ValueError(f"scale={scale!r} is too small: divided by the fan it is 0")
    return Scale(math.sqrt(variance), variance)


def _divisor(fan: float) -> float:
    if fan <= 0:
        raise ValueError(f"a fan must be above 0 to scale by it, got {fan}")
    return fan


def fan_for_mode(fan_in: int, fan_out: int, mode: Mode) -> float:
    """Return the fan of ``mode``. The case of the letters does not matter, as in torch."""
    name = mode.lower() if isinstance(mode, str) else ""
    if name == "fan_in":
        return fan_in
    if name == "fan_out":
        return fan_out
    if name == "fan_avg":
        return (fan_in + fan_out) / 2
    if name == "fan_geo_avg":
        return math.sqrt(fan_in * fan_out)
    raise ValueError(f"mode must be one of fan_in, fan_out, fan_avg, fan_geo_avg; got {shown(mode)}")
