"""ResNet, as torchvision and timm initialize it."""

from __future__ import annotations

from typing import Any

from arrayinit import kaiming_normal, ones, zeros
from arrayinit.models.parameter import Parameter
from arrayinit.models.rules import Rule
from arrayinit.recipes.linear import BIAS_OF_TORCH, WEIGHT_OF_TORCH, layer
from arrayinit.recipes.of_parameter import OfParameter


def resnet(*, zero_init_residual: bool = False) -> list[Rule]:
    r"""Return the rules of ResNet.

    The convolutions are Kaiming normal: the standard deviation is :math:`\sqrt{2 / \mathrm{fan\_out}}`, where the fan
    out of a grouped convolution counts all groups together. The classifier is uniform, both weight and bias, on
    :math:`\pm 1 / \sqrt{\mathrm{fan\_in}}` of its weight. The norms are ones, their biases are zeros.

    Parameters
    ----------
    zero_init_residual
        Whether the last norm of each block is zeros, so that each block starts as the identity. timm calls it
        ``zero_init_last``, and does so by default.

    Returns
    -------
    list of Rule
        The rules for ``torchvision.models.ResNet`` of any depth, with basic or bottleneck blocks, wide, or with groups
        (ResNeXt), and for ``timm.models.ResNet`` with the same stem and the same shortcuts.

    Raises
    ------
    TypeError
        ``zero_init_residual`` is passed by position.

    Notes
    -----
    The running statistics of the norms start anew, too.

    Examples
    --------
    >>> import arrayinit
    >>> for rule in arrayinit.recipes.resnet(zero_init_residual=True)[:4]:
    ...     print(rule.selector, "|", rule.value)
    conv*.weight | kaiming_normal(mode='fan_out', nonlinearity='relu', groups=1)
    downsample.0.weight | kaiming_normal(mode='fan_out', nonlinearity='relu', groups=1)
    layer*.*.bn{number}.weight | zeros() for the last of a block, else ones()
    bn*.weight | ones()

    References
    ----------
    K. He et al., "Deep Residual Learning for Image Recognition", 2015. P. Goyal et al., "Accurate, Large Minibatch SGD:
    Training ImageNet in 1 Hour", 2017, section 5.1, for the zeros. torchvision 0.28.0, ``models/resnet.py``; timm
    1.0.31, ``models/resnet.py``.
    """
    convolution = kaiming_normal(mode="fan_out", nonlinearity="relu", groups=1)
    return [
        Rule("conv*.weight", convolution),
        Rule("downsample.0.weight", convolution, optional=True),
        *([Rule("layer*.*.bn{number}.weight", _LAST_IS_ZERO)] if zero_init_residual else []),
        *layer("bn*", ones()),
        *layer("downsample.1", ones(), optional=True),
        *layer("fc", WEIGHT_OF_TORCH, BIAS_OF_TORCH, optional=True),
        Rule("running_mean", zeros(), optional=True),
        Rule("running_var", ones(), optional=True),
        Rule("num_batches_tracked", zeros(), optional=True),
    ]


def _last_is_zero(p: Parameter) -> Any:
    # A basic block has bn1 and bn2, a bottleneck has bn3 too.
    return zeros() if p["number"] == p.size("number") else ones()


_LAST_IS_ZERO = OfParameter("zeros() for the last of a block, else ones()", _last_is_zero)
