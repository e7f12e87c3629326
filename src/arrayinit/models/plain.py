"""Steps as plain data, for JSON."""

from __future__ import annotations

from typing import Any

from arrayinit.models.actions import Action, config, from_config
from arrayinit.models.fused import Fused
from arrayinit.models.resolve import Step


def plain(step: Step) -> dict[str, Any]:
    """Return a step as plain data."""
    action = step.action.config(plain) if isinstance(step.action, Fused) else config(step.action)
    return {**step._asdict(), "action": action}


def step_of(entry: dict[str, Any]) -> Step:
    """Return the step of plain data."""
    fields: dict[str, Any] = {**entry, "shape": tuple(entry["shape"]), "zero_rows": tuple(entry["zero_rows"])}
    fields["action"] = _action(entry["action"])
    if not isinstance(fields["seed_name"], str) or not isinstance(fields["name"], str):
        raise TypeError("a name is no text")
    return Step(**fields)


def _action(given: Any) -> Action:
    """Return the action of plain data."""
    is_fused = isinstance(given, dict) and list(given) == ["fused"]
    return Fused.from_config(given, step_of) if is_fused else from_config(given)
