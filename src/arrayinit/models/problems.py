"""What speaks against rules as a whole: parameters without a rule, and rules without a parameter."""

from __future__ import annotations

from collections.abc import Sequence

from arrayinit.models.actions import Keep
from arrayinit.models.names import listed, near
from arrayinit.models.parameter import Captures, Parameter
from arrayinit.models.rules import Entry
from arrayinit.models.selectors import Regex


def first(p: Parameter, given: list[Entry]) -> tuple[int, Captures] | None:
    """Return the first entry that takes a parameter, and its captures."""
    for number, entry in enumerate(given):
        captures = entry.selector.match(p)
        if captures is not None:
            return number, captures
    return None


def unnamed(extra: Sequence[Parameter], given: list[Entry], used: list[bool]) -> list[str]:
    """Return the problem of tensors that the model lacks, and that no rule names by `keep`."""
    others: list[str] = []
    for p in extra:
        rules = [n for n, entry in enumerate(given) if entry.value == Keep() and _takes_name(entry, p)]
        if rules:
            used[rules[0]] = True
        else:
            others.append(p.name)
    if not others:
        return []
    count = f"{len(others)} tensors" if len(others) > 1 else "1 tensor"
    hint = f"to leave a tensor out, add a rule such as ('^{others[0]}', keep())"
    return [f"the checkpoint has {count} that the model lacks: {listed(others)}; {hint}"]


def _takes_name(entry: Entry, p: Parameter) -> bool:
    return isinstance(entry.selector, Regex) and entry.selector.match(p) is not None


def unmatched(names: list[str], parameters: Sequence[Parameter]) -> list[str]:
    """Say which parameters match no rule."""
    if not names:
        return []
    count = sum(p.owner is None and (not p.is_buffer or p.name in names) for p in parameters)
    verb = "matches" if len(names) == 1 else "match"
    return [f"{len(names)} of {count} parameters {verb} no rule: {listed(names)}"]


def counted(names: list[str]) -> str:
    """Return the first name, and how many follow it."""
    return f"{names[0]!r} and {len(names) - 1} more" if len(names) > 1 else f"{names[0]!r}"


def unused(given: list[Entry], used: list[bool], parameters: Sequence[Parameter]) -> list[str]:
    """Say why rules decide about no parameter."""
    problems: list[str] = []
    for number, entry in enumerate(given):
        if used[number] or entry.optional:
            continue
        taken = [p for p in parameters if entry.selector.match(p) is not None]
        own = [p for p in taken if p.owner is None]
        if not taken:
            close = near(entry.selector.text, [p.name for p in parameters])
            problems.append(f"{entry.text} matches nothing{close}")
        elif not own:
            problems.append(f"{entry.text} never applies: {taken[0].name} is tied to {taken[0].owner}")
        else:
            before = sorted({found[0] for p in own if (found := first(p, given)) is not None})
            texts = listed([given[earlier].text for earlier in before], 3)
            problems.append(f"{entry.text} never applies: {texts} {'comes' if len(before) == 1 else 'come'} first")
    return problems
