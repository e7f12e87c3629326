"""The defaults of the layers of Haiku."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from arrayinit.core.distributions import TRUNCATED_STD
from arrayinit.initializers.basic import trunc_normal
from arrayinit.initializers.constant import ones, zeros
from arrayinit.models.parameter import Parameter
from arrayinit.models.rules import Rule
from arrayinit.recipes.of_parameter import OfParameter
from arrayinit.recipes.trees import in_tree
from arrayinit.values.value import Initializer


def haiku_defaults() -> list[Rule]:
    r"""Return rules that give the layers of Haiku their default weights.

    With the key that Haiku passes to its initializer, each value gives the bits of Haiku in float32.

    ==================================================  =============================================================
    parameter                                           value
    ==================================================  =============================================================
    ``w`` of ``Linear``, ``Conv*``,                     :math:`\sigma = 1 / \sqrt{n_{in}}`: :math:`N(0, \sigma^2)`,
    ``Conv*Transpose``, ``DepthwiseConv*``, ``LSTM``    truncated at :math:`\pm 2 \sigma`; its standard deviation is
                                                        :math:`0.88 \sigma`
    ``w_i``, ``w_h`` of ``GRU``                         :math:`N(0, 1/n_{in})`, truncated, ``lecun_normal``
    ``embeddings``                                      :math:`N(0, 1)`, truncated at :math:`\pm 2`
    ``scale``                                           1
    ``b``, ``offset``                                   0
    ==================================================  =============================================================

    Returns
    -------
    list of Rule
        One rule for each name. All are optional.

    Raises
    ------
    TypeError
        An argument: ``haiku_defaults`` takes none.

    Notes
    -----
    The parameters of Haiku are a tree, without layers: the rules go by the names of parameters.
    `haiku.MultiHeadAttention` has no default, since its ``w_init`` must be given. Models of `haiku.nets` such as
    ``ResNet`` pass initializers of their own to some layers: put rules for these first.

    Haiku names a transposed convolution after its class. A transposed convolution of another name has the axes of its
    kernel read as (\*kernel, in, out).

    Examples
    --------
    >>> import arrayinit as ai
    >>> for rule in ai.recipes.haiku_defaults()[2:]:
    ...     print(rule)
    Rule(selector='embeddings' in a tree, value=trunc_normal(), optional=True)
    Rule(selector='scale' in a tree, value=ones(), optional=True)
    Rule(selector='b' or 'offset' in a tree, value=zeros(), optional=True)

    References
    ----------
    Haiku 0.0.17, ``haiku/_src``: ``basic.py``, ``conv.py``, ``depthwise_conv.py``, ``embed.py``, ``recurrent.py``,
    ``initializers.py``.
    """
    return [
        Rule(selector, value, optional=True)
        for selector, value in (
            (in_tree("w"), _truncated("1 / sqrt(fan_in)", lambda p: 1 / math.sqrt(p.fan_in))),
            (
                in_tree("w_i", "w_h"),
                _truncated("1 / sqrt(inputs) / 0.88", lambda p: 1 / math.sqrt(_inputs(p)) / _STD),
            ),
            (in_tree("embeddings"), _within_two(1.0)),
            (in_tree("scale"), ones()),
            (in_tree("b", "offset"), zeros()),
        )
    ]


# Haiku rounds the standard deviation of a truncated normal to the dtype of the array, which is float32 as a rule.
_STD = float(np.float32(TRUNCATED_STD))


def _truncated(formula: str, std: Callable[[Parameter], float]) -> OfParameter:
    return OfParameter(f"trunc_normal(std=s, a=-2 * s, b=2 * s) with s = {formula}", lambda p: _within_two(std(p)))


def _inputs(p: Parameter) -> int:
    if len(p.shape) != 2:
        raise ValueError(f"{p.name!r} of shape {p.shape} may be one of stacked layers: put a rule for it first")
    return p.shape[0]


def _within_two(std: float) -> Initializer:
    return trunc_normal(std=std, a=-2 * std, b=2 * std)
