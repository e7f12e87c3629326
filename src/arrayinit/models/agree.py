"""Whether a model is the one that was planned."""

from __future__ import annotations

from collections.abc import Sequence

from arrayinit.models.names import listed
from arrayinit.models.parameter import Parameter
from arrayinit.models.pretrained.loaded import Loaded
from arrayinit.models.resolve import Step


def differences(steps: Sequence[Step], parameters: Sequence[Parameter]) -> list[str]:
    """Return all differences between a plan and a model."""
    planned = {step.name: step for step in steps}
    found = {p.name: p for p in parameters}
    problems: list[str] = []
    lacking = [name for name in planned if name not in found]
    if lacking:
        problems.append(f"the model has no parameter of these names, which the plan has: {listed(lacking)}")
    unknown = [p.name for p in parameters if p.name not in planned and (not p.is_buffer or not p.has_values)]
    if unknown:
        problems.append(f"the plan has no parameter of these names, which the model has: {listed(unknown)}")
    for name, step in planned.items():
        if name in found:
            problems += _difference(step, found[name])
    return problems


def _known(of: Step | Parameter) -> str:
    """Return what decides about the values besides the shape."""
    kind = "buffer" if of.is_buffer else "parameter"
    return f"layout {of.layout}, groups {of.groups}, zero rows {list(of.zero_rows)}, kind {kind}"


def _difference(step: Step, p: Parameter) -> list[str]:
    """Return the difference between a step and its parameter."""
    if (step.shape, step.dtype) != (p.shape, p.dtype):
        return [f"{p.name!r} is {p.shape} {p.dtype}, but the plan has {step.shape} {step.dtype}"]
    if step.owner is None and (ours := _known(step)) != (theirs := _known(p)):
        return [f"{p.name!r} has {theirs} in the model, but {ours} in the plan: plan again"]
    if step.owner != p.owner:
        if p.owner is None:
            hint = "tie them again; under fully_shard, shard both in one group"
            return [f"{p.name!r} is tied to {step.owner!r} in the plan, and is not in the model: {hint}"]
        return [f"{p.name!r} is tied to {p.owner!r} in the model, and is not in the plan: plan again"]
    return []


def obstacles(steps: Sequence[Step], parameters: Sequence[Parameter]) -> list[str]:
    """Return why parameters, in the state that they are in now, cannot be filled as they were planned."""
    planned = {step.name: step for step in steps if step.owner is None}
    problems: list[str] = []
    for p in parameters:
        step = planned.get(p.name)
        if step is None:
            continue
        if p.fault and step.fills:
            problems.append(f"{p.name!r}: {p.fault}")
        if p.is_loaded and step.fills and not isinstance(step.action, Loaded):
            problems.append(f"{p.name!r} is loaded in the model, and the plan would overwrite it: plan again")
        if step.source == "loaded" and not p.is_loaded:
            problems.append(f"{p.name!r} is loaded in the plan, and is not in the model: plan again")
    return problems
