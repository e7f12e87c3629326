"""Lists of rules with one rule or one letter less, of which each must be refused or give another plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import arrayinit as ai

Rules = Sequence[Any]


def unnoticed(model: Any, rules: Rules) -> list[str]:
    """Return what can be removed from a list of rules, and neither is refused nor changes the plan."""
    return [*without_a_rule(model, rules), *_unnoticed(model, rules, _letters(rules))]


def without_a_rule(model: Any, rules: Rules) -> list[str]:
    """Return the rules that can be removed."""
    fewer = ((f"rule {number}", [*rules[:number], *rules[number + 1 :]]) for number in range(len(rules)))
    return _unnoticed(model, rules, fewer)


def _unnoticed(model: Any, rules: Rules, mutations: Iterable[tuple[str, Rules]]) -> list[str]:
    planned = _actions(model, rules)
    return [what for what, fewer in mutations if _actions(model, fewer) == planned]


def _letters(rules: Rules) -> Iterator[tuple[str, Rules]]:
    """Yield what was removed, and the list without it."""
    for number, (selector, value) in enumerate(rules):
        for at in range(len(selector) if isinstance(selector, str) else 0):
            shorter = selector[:at] + selector[at + 1 :]
            yield f"{shorter!r} of {selector!r}", [*rules[:number], (shorter, value), *rules[number + 1 :]]


def _actions(model: Any, rules: Rules) -> list[tuple[str, Any]] | None:
    try:
        return [(step.name, step.action) for step in ai.plan(model, rules)]
    except ValueError:
        return None
