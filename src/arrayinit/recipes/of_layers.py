"""Rules for the layers of a library, by the names of their classes: nothing is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arrayinit.models.rules import Rule


def of_layers(module: str, values: Mapping[str, Any]) -> list[Rule]:
    """Return a rule for each class of a module. A model needs no layer of these classes.

    ``values`` has the names of the classes, several in one text where they share their values.
    """
    return [
        Rule(f"<{module}.{name}>", value, optional=True) for names, value in values.items() for name in names.split()
    ]
