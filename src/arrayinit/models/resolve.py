"""Which rule decides about which parameter, and everything that speaks against it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from arrayinit.models.actions import Action, Keep, action
from arrayinit.models.check import check
from arrayinit.models.names import Rename, duplicates, listed, near, renaming, unknown
from arrayinit.models.parameter import Captures, Parameter
from arrayinit.models.pretrained.loading import NOTHING_LOADED, Loading
from arrayinit.models.rules import Entry, entries
from arrayinit.models.selectors import Regex


class Step(NamedTuple):
    """What is done with one parameter."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    layout: str | None
    groups: int
    action: Action
    source: str
    """The rule, the file of a checkpoint or "pretrained", "on_mismatch", "loaded", or "tied"."""
    seed_name: str
    """The name that is folded into the seed."""
    owner: str | None = None
    """The name of the parameter with which this one shares its array."""
    zero_rows: tuple[int, ...] = ()
    is_buffer: bool = False

    @property
    def fills(self) -> bool:
        """Whether the parameter gets values."""
        return self.owner is None and not isinstance(self.action, Keep)


class Resolved(NamedTuple):
    """The steps for the parameters of a model, and all problems."""

    steps: list[Step]
    problems: list[str]


def resolve(
    parameters: Sequence[Parameter], rules: Iterable[Any], rename: Rename, loading: Loading = NOTHING_LOADED
) -> Resolved:
    """Find the tensor of a checkpoint or the rule for each parameter, and collect all problems."""
    given = entries(rules)
    renamed = renaming(rename)
    sizes = Sizes(parameters)
    used = [False] * len(given)
    steps: list[Step] = []
    failed: dict[tuple[str, str], list[str]] = {}
    unmatched: list[str] = []
    for p in parameters:
        if p.owner is not None:
            steps.append(_step(p, Keep(), "tied", p.name))
            continue
        found, loaded = _first(p, given), loading.found.get(p.name)
        if found is not None:
            used[found[0]] = True
        if p.name in loading.refused:
            continue
        if found is None and loaded is None:
            if p.is_loaded:
                steps.append(_step(p, Keep(), "loaded", p.name))
            elif not p.is_buffer or p.needs_memory or not p.has_values:
                unmatched.append(p.name)
            continue
        source = "loaded" if p.is_loaded else "" if found is None else given[found[0]].text
        try:
            if loaded is not None:
                source, chosen = loaded.source, action(loaded.value)
                check(p, chosen, p.name)
            else:
                assert found is not None
                entry, captures = given[found[0]], found[1]
                chosen = Keep() if p.is_loaded else entry.action(p, captures, sizes.of(entry))
                check(p, chosen, entry.selector.text)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            # A function of the parameter may fail for the same reason, as on a lazy one, with less to say.
            message = p.fault or str(error.args[0] if error.args else error)
            failed.setdefault((source, message), []).append(p.name)
            continue
        steps.append(_step(p, chosen, source, renamed(p.name)))
    extra = _unnamed(loading.extra, given, used)
    problems = [
        *loading.problems,
        *extra,
        *_unmatched(unmatched, parameters),
        *_unused(given, used, parameters),
        *(f"{rule} on {_counted(names)}: {message}" for (rule, message), names in failed.items()),
        *unknown(rename, [p.name for p in parameters]),
        *duplicates([(step.name, step.seed_name) for step in steps if step.owner is None]),
    ]
    return Resolved(steps, problems)


def resolved(
    parameters: Sequence[Parameter], rules: Iterable[Any], rename: Rename, loading: Loading = NOTHING_LOADED
) -> list[Step]:
    """Return the steps; raise ValueError with all problems."""
    steps, problems = resolve(parameters, rules, rename, loading)
    if problems:
        raise ValueError("\n".join(problems))
    return steps


def _step(p: Parameter, action: Action, source: str, seed_name: str) -> Step:
    return Step(
        p.name, p.shape, p.dtype, p.layout, p.groups, action, source, seed_name, p.owner, p.zero_rows, p.is_buffer
    )


def _first(p: Parameter, given: list[Entry]) -> tuple[int, Captures] | None:
    """Return the first entry that takes a parameter, and its captures."""
    for number, entry in enumerate(given):
        captures = entry.selector.match(p)
        if captures is not None:
            return number, captures
    return None


def _unnamed(extra: Sequence[Parameter], given: list[Entry], used: list[bool]) -> list[str]:
    """Return the problem of tensors that the model lacks, and that no rule names by `keep`."""
    unnamed: list[str] = []
    for p in extra:
        rules = [n for n, entry in enumerate(given) if entry.value == Keep() and _takes_name(entry, p)]
        if rules:
            used[rules[0]] = True
        else:
            unnamed.append(p.name)
    if not unnamed:
        return []
    count = f"{len(unnamed)} tensors" if len(unnamed) > 1 else "1 tensor"
    hint = f"to leave a tensor out, add a rule such as ('^{unnamed[0]}', keep())"
    return [f"the checkpoint has {count} that the model lacks: {listed(unnamed)}; {hint}"]


def _takes_name(entry: Entry, p: Parameter) -> bool:
    return isinstance(entry.selector, Regex) and entry.selector.match(p) is not None


class Sizes:
    """How many numbers stand at a place in the names."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._names = [p.name for p in parameters]
        self._counts: dict[str, int] = {}

    def of(self, entry: Entry) -> Callable[[str, str], int]:
        """Return the function that `Parameter.size` calls."""
        return lambda name, capture: self._size(name[: entry.selector.start(name, capture)])

    def _size(self, before: str) -> int:
        """Return how many numbers follow a text among all names."""
        if before not in self._counts:
            number = re.compile(r"\d+")
            found = (number.match(name, len(before)) for name in self._names if name.startswith(before))
            self._counts[before] = len({int(match.group()) for match in found if match})
        return self._counts[before]


def _unmatched(names: list[str], parameters: Sequence[Parameter]) -> list[str]:
    if not names:
        return []
    count = sum(p.owner is None and (not p.is_buffer or p.name in names) for p in parameters)
    verb = "matches" if len(names) == 1 else "match"
    return [f"{len(names)} of {count} parameters {verb} no rule: {listed(names)}"]


def _counted(names: list[str]) -> str:
    return f"{names[0]!r} and {len(names) - 1} more" if len(names) > 1 else f"{names[0]!r}"


def _unused(given: list[Entry], used: list[bool], parameters: Sequence[Parameter]) -> list[str]:
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
            first = sorted({found[0] for p in own if (found := _first(p, given)) is not None})
            texts = listed([given[earlier].text for earlier in first], 3)
            problems.append(f"{entry.text} never applies: {texts} {'comes' if len(first) == 1 else 'come'} first")
    return problems
