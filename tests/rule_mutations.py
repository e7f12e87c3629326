"""Lists of rules with one rule or one letter less, of which each must be refused or give another plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import arrayinit as ai

Rules = Sequence[Any]


def unnoticed(model: Any, rules: Rules) -> list[str]:
    """Return what can be removed from a list of rules, and neither is refused nor changes the plan."""
    planned = ai.plan(model, rules).to_json()
    return [what for what, fewer in mutations(rules) if _plan(model, fewer) == planned]


def mutations(rules: Rules) -> Iterator[tuple[str, Rules]]:
    """Yield what was removed, and the list without it."""
    for number, (selector, value) in enumerate(rules):
        yield f"rule {number}", [*rules[:number], *rules[number + 1 :]]
        for at in range(len(selector) if isinstance(selector, str) else 0):
            shorter = selector[:at] + selector[at + 1 :]
            yield f"{shorter!r} of {selector!r}", [*rules[:number], (shorter, value), *rules[number + 1 :]]


def _plan(model: Any, rules: Rules) -> str | None:
    try:
        return ai.plan(model, rules).to_json()
    except ValueError:
        return None
