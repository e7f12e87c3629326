"""Whether recipes initialize the models of a library as the library does.

`report` prints what was found. It is for a process of its own, with libraries that the tests' process must not import.
"""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rule_mutations import without_a_rule
from same_laws import MUTANTS, Pool, Rules, differ, filling, is_small, pools

import arrayinit as ai
from arrayinit.models.fused import Fused, leaves


class Case(NamedTuple):
    """A model as its library initializes it, and the recipe that does the same."""

    recipe: str
    rules: Rules
    build: Callable[[], Any]
    is_large: bool = False
    """Whether it is only planned, without memory."""


class Verdict(NamedTuple):
    """What was found."""

    recipe: str
    rules: list[str]
    """The selectors of the recipe."""
    used: list[str]
    """Those that decide about a parameter."""
    drawn: list[str]
    """The values that draw, as the rules have them."""
    compared: dict[str, str]
    """The names of the random tensors of which the laws were compared, each with the value of its rule."""
    faults: dict[str, list[str]]
    """The names of tensors, or what was found, by what is wrong."""


def examined(cases: dict[str, Case]) -> Iterator[tuple[str, Verdict]]:
    """Yield the verdict on each case. The law of a value is compared in the first case that has it, then audited."""
    known: dict[str, set[str]] = {}
    for name, case in cases.items():
        values = known.setdefault(case.recipe, set())
        found = planned(case) if case.is_large else verdict(case, values)
        values.update(found.compared.values())
        yield name, found


def verdict(case: Case, known: set[str]) -> Verdict:
    """Compare what rules give with what the library gives; the laws of the values that are not known."""
    library, model = built(case, 0), built(case, 1)
    plan = ai.plan(model, case.rules)
    poison(model)
    ai.initialize(model, case.rules, rng=0)
    steps = [step for step in plan if step.owner is None]
    values = {step.name: repr(case.rules[rule_of(step)].value) for step in steps}
    # The parts of a fused weight are only audited.
    parts_that_draw = [step for step in steps if isinstance(step.action, Fused) and any(map(draws, leaves(step)))]
    random = [step for step in steps if draws(step)]
    compared = [step for step in random if values[step.name] not in known]
    faults = {
        "not planned": [] if all(is_planned(plan, each) for each in (model, library)) else [str(plan)],
        "not JSON": [] if ai.Plan.from_json(plan.to_json()) == plan else [str(plan)],
        "unequal": unequal(model, library, {step.name: list(step.zero_rows) for step in random + parts_that_draw}),
        "unequal on the meta device": unequal(on_meta(case), model, {}),
        "audit": plan.audit(library).faults,
        "unnoticed": without_a_rule(model, [rule for rule in case.rules if str(rule.selector) in used(case, steps)]),
        "accepted": accepted(library, case.rules),
        **differences(case, compared),
    }
    return Verdict(
        case.recipe,
        [str(rule.selector) for rule in case.rules],
        used(case, steps),
        sorted({values[step.name] for step in random}),
        {step.name: values[step.name] for step in compared if not is_small(step)},
        {what: names for what, names in faults.items() if names},
    )


def planned(case: Case) -> Verdict:
    """Plan a model without memory."""
    import torch

    with torch.device("meta"):
        model = case.build()
    plan = ai.plan(model, case.rules)
    faults = {"not planned": [str(plan)]} if not is_planned(plan, model) else {}
    steps = [step for step in plan if step.owner is None]
    return Verdict(case.recipe, [str(rule.selector) for rule in case.rules], used(case, steps), [], {}, faults)


def draws(step: Any) -> bool:
    return isinstance(step.action, ai.Initializer) and step.action.draws


def rule_of(step: Any) -> int:
    return int(step.source.split()[1])


def used(case: Case, steps: list[Any]) -> list[str]:
    return sorted({str(case.rules[rule_of(step)].selector) for step in steps})


def report(modules: str, only: str = "") -> None:
    """Print the verdicts on the cases of modules, or on one of them, as JSON."""
    warnings.simplefilter("error")
    given = [case for module in modules.split() for case in importlib.import_module(module).cases().items()]
    print(json.dumps(dict(examined({name: case for name, case in given if only in ("", name)}))))  # noqa: T201


def built(case: Case, seed: int) -> Any:
    """Return the model as its library initializes it."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return case.build()


def on_meta(case: Case) -> Any:
    """Return the model as the rules initialize it, built without memory."""
    import torch

    with torch.device("meta"):
        model = case.build()
    return ai.initialize(model, case.rules, rng=0, device="cpu")


def differences(case: Case, steps: list[Any]) -> dict[str, list[str]]:
    """Return the tensors to which the rules give other laws than the library, and the mutants that are not told."""
    if all(map(is_small, steps)):
        return {}
    theirs = pools(steps, lambda seed, _: built(case, seed))
    ours = pools(steps, filling(built(case, 0), case.rules))
    return {
        "laws": [step.name for step in steps if differ(ours[step.name], theirs[step.name])],
        "mutants": [missed for step in steps if not is_small(step) for missed in survivors(step, ours, theirs)],
    }


def survivors(step: Any, ours: dict[str, Pool], theirs: dict[str, Pool]) -> list[str]:
    """Return the wrong laws that are not told from that of the library."""
    mutants = ((change.__name__, change(ours[step.name], step)) for change in MUTANTS)
    return [f"{name} of {step.name}" for name, mutant in mutants if not differ(mutant, theirs[step.name])]


def accepted(model: Any, rules: Rules) -> list[str]:
    """Return the parameters of a layer that the library does not have, and that no rule may take."""
    import torch

    model.add_module("adapter", torch.nn.Linear(2, 2))
    try:
        ai.plan(model, rules)
    except ValueError as error:
        refused = str(error)
    else:
        refused = ""
    return [name for name in ("adapter.weight", "adapter.bias") if name not in refused]


def poison(model: Any) -> None:
    """Fill all parameters with NaN."""
    import torch

    with torch.no_grad():
        for x in model.parameters():
            x.fill_(torch.nan)


def is_planned(plan: ai.Plan, model: Any) -> bool:
    """Whether a plan has each parameter of a model, and each tie."""
    owners: dict[int, str] = {}
    found = {name: owners.setdefault(id(x), name) for name, x in model.named_parameters(remove_duplicate=False)}
    return found == {step.name: step.owner or step.name for step in plan if not step.is_buffer}


def unequal(model: Any, other: Any, rows: dict[str, list[int]]) -> list[str]:
    """Return the names of the tensors that are not equal; of some, of which these rows are not equal."""
    one, two = ({**dict(each.named_parameters()), **dict(each.named_buffers())} for each in (model, other))
    return [name for name, x in two.items() if not (one[name] == x)[rows.get(name, ...)].all()]
