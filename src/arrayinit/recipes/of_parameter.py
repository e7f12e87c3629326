"""The value or the selector of a rule that depends on the parameter, and says how when it is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from arrayinit.models.parameter import Parameter


@dataclass(frozen=True, slots=True)
class OfParameter:
    """A function of the parameter: the value of a rule, or its selector. Its repr is the formula."""

    formula: str
    function: Callable[[Parameter], Any] = field(compare=False)

    def __call__(self, p: Parameter) -> Any:
        """Return the value for a parameter, or whether the rule takes it."""
        return self.function(p)

    def __repr__(self) -> str:
        return self.formula
