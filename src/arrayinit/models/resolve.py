"""Which rule decides about which parameter, and everything that speaks against it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from arrayinit.models.actions import Action, Keep, is_function
from arrayinit.models.actions import action as as_action
from arrayinit.models.check import check, check_place
from arrayinit.models.fused import Fused, leaves
from arrayinit.models.names import Rename, duplicates, renaming, unknown
from arrayinit.models.parameter import Parameter
from arrayinit.models.parts import valued
from arrayinit.models.pretrained.loading import NOTHING_LOADED, Loading
from arrayinit.models.problems import counted, first, unmatched, unnamed, unused
from arrayinit.models.rules import Entry, entries
from arrayinit.models.splits import Parts, Stack
from arrayinit.values.value import Initializer


class Step(NamedTuple):
    """What is done with one parameter.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> (step,) = arrayinit.plan({"bias": np.empty(4)}, [("bias", arrayinit.zeros())])
    >>> step.name, step.action, step.source
    ('bias', zeros(), "rule 0 'bias'")
    """

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
    ruleless: list[str] = []
    for p in parameters:
        if p.owner is not None:
            steps.append(_step(p, Keep(), "tied", p.name))
            continue
        found, loaded = first(p, given), loading.found.get(p.name)
        if found is not None:
            used[found[0]] = True
        if p.name in loading.refused:
            continue
        if found is None and loaded is None and not p.is_loaded:
            if not p.is_buffer or p.needs_memory or not p.has_values:
                ruleless.append(p.name)
            continue
        seen: Parameter = p
        value: Any = Keep()
        by = _By("loaded", p.name, renamed)
        if loaded is not None:
            value, by = loaded.value, _By(loaded.source, p.name, renamed)
        elif found is not None and not p.is_loaded:
            entry, captures = given[found[0]], found[1]
            value = entry.value
            # An initializer asks for no captures, and a copy of the parameter takes a tenth of the time.
            seen = p if isinstance(value, Initializer) else p.matched(captures, sizes.of(entry))
            by = _By(entry.text, entry.selector.text, renamed)
        try:
            steps.append(_planned(seen, value, by))
        except _REFUSALS as error:
            # A function of the parameter may fail for the same reason, as on a lazy one, with less to say.
            failed.setdefault((by.source, p.fault or _text(error)), []).append(p.name)
    extra = unnamed(loading.extra, given, used)
    problems = [
        *loading.problems,
        *extra,
        *unmatched(ruleless, parameters),
        *unused(given, used, parameters),
        *(f"{rule} on {counted(names)}: {message}" for (rule, message), names in failed.items()),
        *unknown(rename, [*(p.name for p in parameters), *(leaf.name for step in steps for leaf in leaves(step))]),
        *duplicates([pair for step in steps if step.owner is None for pair in _seeded(step)]),
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


# What a function of the user raises, or a value that does not fit.
_REFUSALS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def _text(error: BaseException) -> str:
    return str(error.args[0] if error.args else error)


class _By(NamedTuple):
    """What decides about a parameter."""

    source: str
    """The rule, or the file of a checkpoint."""
    selector: str
    renamed: Callable[[str], str]


def _planned(p: Parameter, value: Any, by: _By) -> Step:
    """Return the step of a parameter, or of a part of one, that gets this value."""
    given = valued(value(p)) if is_function(value) else valued(value)
    action: Action
    if isinstance(given, (Parts, Stack)):
        check_place(p, by.selector)
        action = _fused(p, given, by)
    else:
        # A function that returns a function is refused.
        action = as_action(given)
        check(p, action, by.selector)
    return _step(p, action, by.source, by.renamed(p.name))


def _fused(p: Parameter, value: Parts | Stack, by: _By) -> Fused:
    """Return the steps of all parts, or raise ValueError with what speaks against each."""
    cut, parts = value.split(p)
    labels = tuple(part.label for part in parts)
    steps: list[Step] = []
    failed: dict[str, list[str]] = {}
    for part in parts:
        try:
            steps.append(_planned(part.parameter, part.value, by))
        except _REFUSALS as error:
            failed.setdefault(_text(error), []).append(part.label)
    if failed:
        kind = "layer" if cut.is_stacked else "part"
        raise ValueError("; ".join(f"{kind} {counted(names)}: {message}" for message, names in failed.items()))
    return Fused(cut, value.axis, labels, tuple(steps))


def _seeded(step: Step) -> Iterator[tuple[str, str]]:
    """Yield what gets numbers of its own, and the name of its seed."""
    for leaf in leaves(step):
        yield step.name if leaf is step else f"{step.name} ({leaf.name})", leaf.seed_name


def _step(p: Parameter, action: Action, source: str, seed_name: str) -> Step:
    return Step(
        p.name, p.shape, p.dtype, p.layout, p.groups, action, source, seed_name, p.owner, p.zero_rows, p.is_buffer
    )


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
