"""muP: hyperparameters that hold at any width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from arrayinit.initializers.constant import zeros
from arrayinit.models.actions import Copied, Digest, Keep, action, is_function
from arrayinit.models.grouping import seen_by
from arrayinit.models.parameter import Parameter
from arrayinit.models.rules import Rule
from arrayinit.models.selectors import Layer, selector
from arrayinit.recipes.of_parameter import OfParameter
from arrayinit.recipes.widths import Width, Widths, is_output, own_layout
from arrayinit.values.abstract import Abstract
from arrayinit.values.value import Initializer

Optimizer = Literal["adam", "sgd"]


@dataclass(frozen=True, slots=True)
class LearningRates:
    """A function of a model that returns the factor of each parameter's learning rate."""

    rules: list[Rule] = field(repr=False)
    widths: Widths = field(repr=False)
    optimizer: Optimizer

    def __call__(self, model: Any) -> dict[str, float]:
        """Return the factors by name, without parameters that are tied to others.

        Raises
        ------
        ValueError
            What `plan` refuses.
        """
        grown = self.widths.each(model, self.rules)
        return {p.name: self._factor(width) for p, width in grown if p.owner is None and not p.is_buffer}

    def _factor(self, width: Width) -> float:
        inputs, outputs, _ = width
        is_adam = self.optimizer == "adam"
        if inputs is not None and outputs is not None:
            return 1.0 / inputs if is_adam else outputs / inputs
        return 1.0 if is_adam else inputs or outputs or 1.0


class Mup(NamedTuple):
    """The rules of muP, and its learning rates."""

    rules: list[Rule]
    learning_rates: LearningRates

    def multipliers(self, model: Any) -> dict[str, float]:
        """Return by what the inputs of each output layer are multiplied, by the name of its weight.

        Raises
        ------
        ValueError
            A weight may be an output, but its layout is not known. What `plan` refuses.
        """
        return self.learning_rates.widths.multipliers(model, self.rules)


def mup(
    rules: Iterable[Any],
    base: Any,
    *,
    delta: Any = None,
    optimizer: Optimizer = "adam",
    readout_zero_init: bool = False,
) -> Mup:
    r"""Return rules in the maximal update parametrization, and the learning rates that belong to them.

    Hyperparameters that are tuned on a narrow base model then hold for a wide one. A size that differs from the base
    model is a width. With :math:`m_\text{in}` and :math:`m_\text{out}`, by which the inputs and the outputs of a weight
    have grown, and :math:`\sigma`, which the rule gives at the shape of the base model:

    ====================  =====================================  =========================  ===========================
    parameter             std                                    learning rate of Adam      learning rate of SGD
    ====================  =====================================  =========================  ===========================
    hidden: both grow     :math:`\sigma / \sqrt{m_\text{in}}`    :math:`1 / m_\text{in}`    :math:`m_\text{out} /
                                                                                            m_\text{in}`
    input, bias, norm     :math:`\sigma`                         1                          :math:`m_\text{out}`
    output                :math:`\sigma`                         1                          :math:`m_\text{in}`
    no width              :math:`\sigma`                         1                          1
    ====================  =====================================  =========================  ===========================

    The model itself must do two more things. It multiplies the inputs of an output layer by :math:`1 / m_\text{in}`, as
    ``MuReadout`` of mup does. And it scales the logits of attention by :math:`1 / d` in place of :math:`1 / \sqrt{d}`,
    where :math:`d` is the size of a head.

    Parameters
    ----------
    rules
        The rules for the base model, as for `plan`.
    base
        The base model: any model that `plan` takes, a `Plan`, or a mapping of names to shapes. It has the names of
        the wide model, and needs no values. A mapping of shapes tells no groups of convolutions, and no layers: a rule
        whose function reads the layer needs a model.
    delta
        A model that is wider than ``base`` in each axis that is a width. By default, the wide model itself tells. It
        is needed if only some widths of the wide model have grown, such as the inner width of a feed-forward layer.
    optimizer
        Whose learning rates: ``"adam"``, also for AdamW and others that normalize gradients, or ``"sgd"``.
    readout_zero_init
        Whether the weights of output layers start as zero.

    Returns
    -------
    Mup
        A named tuple ``(rules, learning_rates)``. ``learning_rates(model)`` is a dict of names to factors of the
        learning rate. ``result.multipliers(model)`` is a dict of the output layers to :math:`1 / m_\text{in}`.

    Raises
    ------
    TypeError
        ``base``, ``delta`` or a rule is of another kind.
    ValueError
        ``optimizer`` is another name. When rules are used: ``base`` lacks a parameter; a hidden weight would get a mean
        that is not zero; the layout of a weight that has grown along several axes is not known.

    Notes
    -----
    The std is that of mup 1.0: of ``mup.init``, and of ``set_base_shapes`` for layers that torch has initialized.
    Divide weight decay by the factor of the learning rate if the optimizer multiplies the two, as torch does.
    An embedding that is the output layer too keeps its std; the multiplier is listed under the name of the output.
    `keep`, arrays, and identities such as ``eye()`` stay as they are.

    Examples
    --------
    >>> import arrayinit as ai, numpy as np
    >>> def mlp(width):
    ...     shapes = {"in": (width, 8), "hidden": (width, width), "out": (2, width)}
    ...     return {f"{name}.weight": np.empty(shape) for name, shape in shapes.items()}
    >>> rules = [("weight", ai.kaiming_normal(nonlinearity="linear", layout="OI"))]
    >>> wide = ai.recipes.mup(rules, base=mlp(64))
    >>> model = ai.initialize(mlp(256), wide.rules, rng=0)
    >>> [round(step.action.expected_std(step.shape), 4) for step in ai.plan(model, wide.rules)]
    [0.3536, 0.0625, 0.125]
    >>> wide.learning_rates(model)
    {'in.weight': 1.0, 'hidden.weight': 0.25, 'out.weight': 1.0}
    >>> wide.multipliers(model)
    {'out.weight': 0.25}

    References
    ----------
    G. Yang, E. J. Hu et al., "Tensor Programs V: Tuning Large Neural Networks via Zero-Shot Hyperparameter Transfer",
    2022.
    """
    if optimizer not in ("adam", "sgd"):
        raise ValueError(f"optimizer must be 'adam' or 'sgd', got {optimizer!r}")
    widths = Widths(base, delta)
    given = [rule if isinstance(rule, Rule) else Rule(*rule) for rule in rules]
    made = [Rule(rule.selector, _value(rule, widths, readout_zero_init), rule.optional) for rule in given]
    return Mup(made, LearningRates(made, widths, optimizer))


def _value(rule: Rule, widths: Widths, readout_zero_init: bool) -> Any:
    """Return the value of a rule in muP; for the dict of a class of layers, a dict."""
    if isinstance(selector(rule.selector), Layer) and isinstance(rule.value, Mapping):
        return {name: _scaled(value, widths, readout_zero_init) for name, value in rule.value.items()}
    return _scaled(rule.value, widths, readout_zero_init)


def _scaled(given: Any, widths: Widths, readout_zero_init: bool) -> OfParameter:
    """Return the value of a parameter in muP, from what the rule gives at the base model."""

    def value(p: Parameter) -> Any:
        base = widths.at_base(p)
        at_base = action(given(base) if is_function(given) else given)
        if isinstance(at_base, (Keep, Copied, Digest)):
            return at_base
        if not isinstance(at_base, Initializer):
            raise TypeError(f"mup does not scale {at_base!r}: give it a value that an initializer alone makes")
        width = widths.of(p, own_layout(at_base))
        if readout_zero_init and is_output(p, width):
            return zeros()
        return _of_width(at_base, p, base, width)

    return OfParameter(f"mup({given!r})", value)


def _of_width(value: Initializer, p: Parameter, base: Parameter, width: Width) -> Initializer:
    """Return the value with the std that it has at the base model, divided by the root of the growth of the inputs."""
    mean, std = _moments(value, p)
    is_hidden = width.inputs is not None and width.outputs is not None
    if is_hidden and mean and (value.draws or not std):
        raise ValueError(f"{value!r} has a mean of {mean:.4g}, but a hidden weight must have the mean 0 in muP")
    if not value.draws or not std:
        return value
    growth = width.inputs if is_hidden and width.inputs else 1.0
    factor = _moments(value, base)[1] / std / math.sqrt(growth)
    # An initializer that scales by the fan in is right as it is.
    return value if math.isclose(factor, 1.0, rel_tol=1e-12) else value * factor


def _moments(value: Initializer, p: Parameter) -> tuple[complex, float]:
    """Return the mean and the std of what fills a parameter."""
    if 0 in p.shape:
        return 0.0, 0.0
    shape, layout, groups = seen_by(value, p.shape, p.layout, p.groups)
    x = Abstract.taking(value.arguments, shape)
    mean, std = value.fill(x, layout=layout if value.has_fans else None, groups=groups).moments()
    return mean, std
