"""Fixup: residual networks without normalization."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from arrayinit.initializers.constant import ones, zeros
from arrayinit.initializers.kaiming import kaiming_normal
from arrayinit.models.parameter import Parameter
from arrayinit.models.rules import Rule
from arrayinit.models.selectors import Glob
from arrayinit.recipes import names
from arrayinit.recipes.stacks import refused
from arrayinit.values.value import Initializer

_NORM = "Fixup takes the place of normalization"


def fixup(
    model: Any,
    branch: str | Sequence[str] = "layer*.*",
    *,
    head: str = "fc",
    shortcut: str | Sequence[str] = ("downsample", "shortcut", "skip"),
    last: str | None = None,
    value: Initializer | None = None,
) -> list[Rule]:
    r"""Return the rules of Fixup, for a residual network without normalization.

    A network has :math:`L` branches. In a branch with :math:`m` layers, the weight :math:`W_i` of layer :math:`i` is

    .. math::

        W_i = \begin{cases} L^{-1/(2m-2)}\, W^{\text{standard}}_i & i < m \\ 0 & i = m \end{cases}

    where :math:`W^{\text{standard}}` is drawn by a standard method. The output layer starts as zero, biases as zero,
    and multipliers as one. Weights outside of branches are standard.

    Parameters
    ----------
    model
        The model, as for `plan`: its names tell :math:`L` and :math:`m`. It needs no values.
    branch
        The pattern of a branch, or several patterns. ``"blocks.*"`` takes all names that begin with ``blocks.0``,
        ``blocks.1``, and so on. By default, the blocks of the authors' ResNet. A transformer has two branches a layer:
        ``["blocks.*.attn", "blocks.*.mlp"]``.
    head
        The pattern of the output layer.
    shortcut
        Patterns of the layers within ``branch`` that belong to the shortcut, and not to the branch.
    last
        The pattern of the last layer of each branch. By default, the last weight of each branch in the order of the
        model. A tree of JAX sorts its names, so its last name may be another.
    value
        The standard method, by default ``kaiming_normal(mode="fan_out", nonlinearity="relu")``.

    Returns
    -------
    list of Rule
        The rules.

    Raises
    ------
    TypeError
        The model is of another kind.
    ValueError
        No weight lies in a branch. ``last`` takes no weight of a branch, or several. A pattern is malformed.

    Notes
    -----
    The code of the authors for ImageNet leaves the first convolution as torch fills it. The paper, and these rules, do
    not.

    Examples
    --------
    >>> import arrayinit as ai, numpy as np
    >>> names = ["conv1.weight", *(f"layer1.{i}.conv{n}.weight" for i in range(4) for n in (1, 2)), "fc.weight"]
    >>> model = {name: np.empty((8, 8)) for name in names} | {"fc.bias": np.empty(8)}
    >>> rules = ai.recipes.fixup(model, value=ai.kaiming_normal(mode="fan_out", nonlinearity="relu", layout="OI"))
    >>> for step in ai.plan(model, rules)[:3]:
    ...     print(step.name, step.action)
    conv1.weight kaiming_normal(mode='fan_out', nonlinearity='relu', layout='OI')
    layer1.0.conv1.weight kaiming_normal(mode='fan_out', nonlinearity=0.7071067811865476, layout='OI')
    layer1.0.conv2.weight zeros()

    References
    ----------
    H. Zhang, Y. N. Dauphin, T. Ma, "Fixup Initialization: Residual Learning Without Normalization", 2019.
    """
    from arrayinit.models.readers import read

    standard = kaiming_normal(mode="fan_out", nonlinearity="relu") if value is None else value
    weights = [p for p in read(model).parameters if p.owner is None and _is_weight(p)]
    branches = _branches(weights, _globs(branch), [Glob(f"{glob.text}.**") for glob in _globs(shortcut)])
    if not branches:
        raise ValueError(f"no weight lies in a branch {branch!r}: pass the pattern of the residual branches as branch=")
    return [
        Rule(names.NORM, refused(_NORM, "remove it, or put a rule for it first"), optional=True),
        Rule(names.BIAS, zeros(), optional=True),
        Rule(names.MULTIPLIER, ones(), optional=True),
        Rule(f"{head}.*", zeros()),
        *(Rule(text, standard * scale if scale else zeros()) for text, scale in _scales(branches, last)),
        Rule("**", standard, optional=True),
    ]


class _Branch(NamedTuple):
    """The weights of a branch, in the order of the model."""

    pattern: str
    prefix: str
    weights: list[Parameter]

    def last(self, pattern: str | None) -> Parameter:
        """Return the last layer's weight."""
        if pattern is None:
            return self.weights[-1]
        glob = Glob(pattern)
        found = [p for p in self.weights if glob.match(p) is not None]
        if len(found) != 1:
            inside = ", ".join(p.name for p in self.weights)
            raise ValueError(f"last={pattern!r} must take one of the weights {inside}; it takes {len(found)}")
        return found[0]


def _branches(weights: Iterable[Parameter], patterns: list[Glob], shortcuts: list[Glob]) -> list[_Branch]:
    """Return the branches that have weights."""
    found: dict[str, _Branch] = {}
    for p in weights:
        inside = _prefix(p, patterns)
        if inside is not None and all(glob.match(p) is None for glob in shortcuts):
            pattern, prefix = inside
            found.setdefault(prefix, _Branch(pattern, prefix, [])).weights.append(p)
    return list(found.values())


def _prefix(p: Parameter, patterns: list[Glob]) -> tuple[str, str] | None:
    """Return the pattern that takes a beginning of the name, and the beginning."""
    segments = p.name.split(".")
    for end in range(1, len(segments)):
        prefix = ".".join(segments[:end])
        for glob in patterns:
            if glob.pattern.match(prefix):
                return glob.text, prefix
    return None


def _scales(branches: list[_Branch], last: str | None) -> Iterator[tuple[str, float]]:
    """Yield the pattern of each weight in the branches with its scale: one pattern for all that have the same."""
    found: dict[str, dict[str, float]] = {}
    for branch in branches:
        end, layers = branch.last(last), len(branch.weights)
        for p in branch.weights:
            scale = 0.0 if p is end else len(branches) ** (-1.0 / (2 * layers - 2))
            text = f"{branch.pattern}{p.name.removeprefix(branch.prefix)}"
            found.setdefault(text, {})[p.name] = scale
    for text, scales in found.items():
        if len(set(scales.values())) == 1:
            yield text, next(iter(scales.values()))
        else:
            yield from ((f"^{name}", scale) for name, scale in scales.items())


def _globs(patterns: str | Sequence[str]) -> list[Glob]:
    return [Glob(text) for text in ([patterns] if isinstance(patterns, str) else patterns)]


def _is_weight(p: Parameter) -> bool:
    return len(p.shape) > 1 and not (p.is_buffer or names.BIAS(p) or names.MULTIPLIER(p))
