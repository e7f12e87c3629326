"""The defaults of the layers of Equinox."""

from __future__ import annotations

import math
from typing import Any

from arrayinit.initializers.basic import normal, uniform
from arrayinit.initializers.constant import constant, ones, zeros
from arrayinit.models.actions import keep
from arrayinit.models.rules import Rule
from arrayinit.models.selectors import is_of_class
from arrayinit.recipes.of_layers import of_layers
from arrayinit.recipes.of_parameter import OfParameter
from arrayinit.values.value import Initializer


def equinox_defaults() -> list[Rule]:
    r"""Return rules that give the layers of Equinox their default weights.

    From the key that Equinox makes for a parameter, each value gives the bits of Equinox.

    =========================================  ======================================================================
    layer                                      value
    =========================================  ======================================================================
    ``Linear``, ``MultiheadAttention``,        weight and bias: :math:`U(-1/\sqrt{n}, 1/\sqrt{n})`, where :math:`n`
    ``MLP``                                    is ``in_features``
    ``Conv*``, ``ConvTranspose*``              the same, where :math:`n` is ``in_channels / groups`` by the size of
                                               the kernel
    ``GRUCell``, ``LSTMCell``                  the same for all parameters, where :math:`n` is ``hidden_size``
    ``Embedding``                              :math:`N(0, 1)`
    normalization                              weight 1, bias 0
    ``PReLU``                                  0.25
    =========================================  ======================================================================

    Returns
    -------
    list of Rule
        The rules. All are optional: a model need not have each layer.

    Raises
    ------
    TypeError
        An argument: ``equinox_defaults`` takes none.

    Notes
    -----
    The values read the sizes of the layers, and therefore hold for layers that are stacked by ``filter_vmap``, too.

    An initial value in an `equinox.nn.StateIndex` is kept. ``WeightNorm`` has a scale that is computed from the weight:
    it is refused until you add a rule for ``g``.

    Examples
    --------
    >>> import arrayinit as ai
    >>> print(ai.recipes.equinox_defaults()[-1])
    Rule(selector='<equinox.nn.PReLU>', value={'negative_slope': constant(val=0.25)}, optional=True)

    References
    ----------
    Equinox 0.13.8, ``equinox/nn``: ``_misc.py``, ``_linear.py``, ``_conv.py``, ``_rnn.py``, ``_embedding.py``,
    ``_normalisation.py``, ``_batch_norm.py``, ``_activations.py``.
    """
    return [
        Rule(_STATE, keep(), optional=True),
        *of_layers(
            "equinox.nn",
            {
                "Linear": _affine(_within("in_features", lambda layer: layer.in_features)),
                "Conv ConvTranspose": _affine(_within("in_channels / groups * prod(kernel_size)", _inputs)),
                "GRUCell LSTMCell": _within("hidden_size", lambda layer: layer.hidden_size),
                "Embedding": {"weight": normal()},
                "LayerNorm GroupNorm RMSNorm BatchNorm": {"weight": ones(), "bias": zeros()},
                "PReLU": {"negative_slope": constant(0.25)},
            },
        ),
    ]


def _affine(value: OfParameter) -> dict[str, OfParameter]:
    return {"weight": value, "bias": value}


def _inputs(layer: Any) -> int:
    return int(layer.in_channels // layer.groups * math.prod(layer.kernel_size))


def _within(formula: str, size: Any) -> OfParameter:
    """Return the uniform distribution whose bound is by a size of the layer."""
    return OfParameter(f"uniform(-b, b) with b = 1 / sqrt({formula})", lambda p: _uniform(size(p.module)))


def _uniform(size: int | str) -> Initializer:
    # Of a layer that takes scalars, the size is the text "scalar"; of no inputs, Equinox's bound is 1.
    bound = 1.0 if size in ("scalar", 0) else 1 / math.sqrt(int(size))
    return uniform(-bound, bound)


_STATE = OfParameter(
    "the initial value of a state of Equinox",
    lambda p: any(is_of_class(holder, ("equinox.nn.StateIndex",)) for holder in p.holders),
)
