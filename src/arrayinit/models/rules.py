"""Rules: which parameters, and which value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from arrayinit.models.parts import valued
from arrayinit.models.selectors import Layer, LayerParameter, Selector, selector


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for the parameters of a model: a selector, and the value that they get.

    A pair ``(selector, value)`` in a list of rules means ``Rule(selector, value)``. The first rule that takes a
    parameter decides about it.

    Parameters
    ----------
    selector
        A pattern, a compiled regular expression, a class of layers, a tuple of classes, or a function.

        A pattern consists of segments that are joined by dots. It must match the end of the name: ``"bias"`` takes
        ``"fc.bias"``, but not ``"fc.out_bias"``. ``*`` stands for any text within a segment, ``**`` for any number of
        segments, and ``{layer}`` for a number, which a function of the parameter can read. ``"^head.weight"`` must
        match the whole name.

        A regular expression is searched in the name. A class takes the parameters that its layers hold themselves; its
        value may be a dict by the last name, as ``{"weight": ones(), "bias": zeros()}``. The name of a class may stand
        for it, as ``"<torch.nn.Linear>"``: such a rule needs no import. A function takes a `Parameter` and returns
        whether the rule takes it.
    value
        An initializer such as ``normal(std=0.02)``, an array, `keep`, `parts`, `stack`, or a function that takes a
        `Parameter` and returns one of these. An initializer may be written as in JSON: ``"zeros"`` or ``{"normal":
        {"std": 0.02}}``. So may `parts` and `stack`: ``{"stack": {"value": "zeros"}}``.
    optional
        Whether the rule may match nothing.

    Raises
    ------
    TypeError
        The selector or the value is of another kind.
    ValueError
        The pattern is malformed; JSON that names no initializer.

    Notes
    -----
    A buffer is selected by its name only: by a pattern whose last segment is not ``*`` or ``**``, by a regular
    expression that contains its last segment, or by the dict of a class.

    Examples
    --------
    >>> import arrayinit as ai
    >>> ai.Rule("h.{layer}.*.weight", lambda p: ai.normal(std=0.02) / p.size("layer") ** 0.5).selector
    'h.{layer}.*.weight'

    References
    ----------
    M. Gardner et al., "AllenNLP: A Deep Semantic Natural Language Processing Platform", 2018, which initializes by a
    list of regular expressions.
    """

    selector: Any
    value: Any
    optional: bool = False

    def __post_init__(self) -> None:
        chosen = selector(self.selector)
        if _is_by_name(chosen, self.value):
            if not self.value:
                raise ValueError(f"the dict of {chosen.text} is empty: name its parameters, as in {{'weight': ones()}}")
            for value in self.value.values():
                valued(value)
        else:
            valued(self.value)
        if not isinstance(self.optional, bool):
            raise TypeError(f"optional must be True or False, got {self.optional!r}")


def _is_by_name(chosen: Selector, value: Any) -> bool:
    return isinstance(chosen, Layer) and isinstance(value, Mapping)


class Entry:
    """One selector with one value: a rule, or one name in the dict of a class."""

    __slots__ = ("optional", "rule", "selector", "value")

    def __init__(self, rule: int, chosen: Selector, value: Any, optional: bool) -> None:
        self.rule, self.selector, self.value, self.optional = rule, chosen, valued(value), optional

    @property
    def text(self) -> str:
        """The rule in an error and in a plan."""
        return f"rule {self.rule} {self.selector.text!r}"


def entries(rules: Iterable[Any]) -> list[Entry]:
    """Return the entries of the rules of a user."""
    if isinstance(rules, (str, bytes, Mapping)) or not isinstance(rules, Iterable):
        raise TypeError(f"rules must be a list of pairs (selector, value), got {type(rules).__name__}")
    made: list[Entry] = []
    for number, given in enumerate(rules):
        rule = _rule(number, given)
        chosen = selector(rule.selector)
        if _is_by_name(chosen, rule.value):
            assert isinstance(chosen, Layer)
            for name, value in rule.value.items():
                made.append(Entry(number, LayerParameter(chosen.classes, name), value, rule.optional))
        else:
            made.append(Entry(number, chosen, rule.value, rule.optional))
    return made


def _rule(number: int, given: Any) -> Rule:
    if isinstance(given, Rule):
        return given
    if not isinstance(given, (tuple, list)) or not 2 <= len(given) <= 3:
        raise TypeError(f"rule {number} must be a pair (selector, value) or a Rule, got {given!r}")
    try:
        return Rule(*given)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rule {number}: {error}") from None
