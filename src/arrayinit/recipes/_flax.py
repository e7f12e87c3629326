"""The defaults of the layers of Flax."""

from __future__ import annotations

from arrayinit.initializers.constant import constant, ones, zeros
from arrayinit.initializers.kaiming import kaiming_uniform
from arrayinit.initializers.orthogonal import orthogonal
from arrayinit.initializers.variance_scaling import lecun_normal, variance_scaling
from arrayinit.models.parameter import Parameter
from arrayinit.models.rules import Rule
from arrayinit.models.selectors import is_of_class
from arrayinit.recipes._linen import linen
from arrayinit.recipes.laid_out import laid_out
from arrayinit.recipes.of_layers import of_layers
from arrayinit.recipes.of_parameter import OfParameter
from arrayinit.recipes.trees import layer_name


def flax_defaults() -> list[Rule]:
    r"""Return rules that give the layers of Flax, nnx and linen, their default weights.

    With the key that Flax passes to its initializer, each value gives the bits of Flax. Orthogonal matrices have the
    distribution of Flax.

    ====================================================  ===========================================================
    parameter                                             value
    ====================================================  ===========================================================
    kernel of ``Linear``, ``Dense``, ``Conv``,            :math:`N(0, 1/n_{in})`, truncated at two standard
    ``ConvTranspose``, ``LinearGeneral``,                 deviations, ``lecun_normal``
    ``DenseGeneral``, ``Einsum``, attention
    kernel of the state in a recurrent cell               orthogonal
    embedding                                             :math:`N(0, 1/\text{features})`
    scale; variance of ``BatchNorm``                      1
    bias; mean of ``BatchNorm``                           0; 1 in the forget gate of an ``MGUCell``
    slope of ``PReLU``                                    0.01
    ``lora_a``, ``lora_b``                                :math:`U(-b, b)` with :math:`b = \sqrt{6 / n_{in}}`; 0
    ====================================================  ===========================================================

    Returns
    -------
    list of Rule
        The rules for nnx by the classes of layers, then those for linen by names. All are optional.

    Raises
    ------
    TypeError
        An argument: ``flax_defaults`` takes none.

    Notes
    -----
    Flax reads each kernel of ``ConvTranspose`` and ``Einsum`` as if its axes were (\*kernel, in, out), and takes the
    batch axes of ``LinearGeneral`` for inputs. So do these rules.

    A tree of linen has no layers: a kernel of three axes may be one of attention, of a convolution, or of stacked
    layers. Its bias, its name and its neighbours tell. If they do not, the kernel is refused: put a rule for it first,
    as ``("blocks.kernel", lecun_normal(layout="BIO"))``. Stacked convolutions without biases look like other
    convolutions.

    The rules by names are for trees only. They leave out what your own modules of nnx hold.

    Examples
    --------
    >>> import arrayinit as ai
    >>> rules = ai.recipes.flax_defaults()
    >>> print(rules[1])
    Rule(selector='<flax.nnx.Linear>', value={'kernel': lecun_normal(), 'bias': zeros()}, optional=True)

    References
    ----------
    Flax 0.12.8, ``flax/nnx/nn`` and ``flax/linen``: ``linear.py``, ``attention.py``, ``recurrent.py``,
    ``normalization.py``, ``activations.py``, ``lora.py``.
    """
    affine = {"scale": ones(), "bias": zeros()}
    return [
        Rule(_STATE, orthogonal(), optional=True),
        *of_layers(
            "flax.nnx",
            {
                "Linear Conv": {"kernel": lecun_normal(), "bias": zeros()},
                "ConvTranspose Einsum": {"kernel": _AS_PLAIN, "bias": zeros()},
                "LinearGeneral": {"kernel": _WITHOUT_BATCH, "bias": zeros()},
                "Embed": {"embedding": variance_scaling(1.0, "fan_in", "normal")},
                "BatchNorm": {**affine, "mean": zeros(), "var": ones()},
                "LayerNorm GroupNorm InstanceNorm": affine,
                "RMSNorm": {"scale": ones()},
                "PReLU": {"negative_slope": constant(0.01)},
                "LoRA": {"lora_a": kaiming_uniform(nonlinearity="relu", layout="IO"), "lora_b": zeros()},
            },
        ),
        *linen(),
    ]


_CELLS = tuple(f"flax.nnx.{name}" for name in ("LSTMCell", "OptimizedLSTMCell", "GRUCell", "SimpleCell"))
_OF_STATE = {"hi", "hf", "hg", "ho", "dense_h"}


def _is_of_state(p: Parameter) -> bool:
    in_cell = len(p.holders) > 1 and is_of_class(p.holders[-2], _CELLS)
    return in_cell and p.local == "kernel" and layer_name(p) in _OF_STATE


_STATE = OfParameter("'kernel' of the state in a recurrent cell of flax.nnx", _is_of_state)

# A kernel of stacked layers has no layout; the value then refuses it.
_AS_PLAIN = OfParameter("lecun_normal(layout='...IO')", lambda p: laid_out(lecun_normal(), p.layout and "...IO"))
_WITHOUT_BATCH = OfParameter(
    "lecun_normal(layout=p.layout.replace('B', 'I'))",
    lambda p: laid_out(lecun_normal(), p.layout and p.layout.replace("B", "I")),
)
