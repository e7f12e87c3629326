"""The names of the parts of a fused weight, and of the layers of a stack: those that they have elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from arrayinit.models.parameter import Parameter

Names = str | Sequence[str]
"""A template, or a pair (regular expression, template of the replacement)."""


@dataclass(frozen=True, slots=True)
class PartNames:
    """The function from a parameter to the name of its part."""

    template: str
    pattern: str | None = None
    """What the template replaces in the name; None for the whole name."""

    @classmethod
    def of(cls, given: Any, needed: str) -> PartNames:
        """Return the names that a user means; the template must contain ``needed``."""
        if isinstance(given, str):
            made = cls(given)
        elif isinstance(given, Sequence) and len(given) == 2 and all(isinstance(text, str) for text in given):
            made = cls(given[1], given[0])
            try:
                re.compile(given[0])
            except re.error as error:
                raise ValueError(f"names has {given[0]!r}, which is no regular expression: {error}") from None
        else:
            raise TypeError(
                f"names must be a template such as '{{parent}}.{{{needed}}}.{{name}}', or a pair (regular expression, "
                f"template of the replacement); got {given!r}"
            )
        try:
            fields = {field for _, field, _, _ in Formatter().parse(made.template) if field is not None}
        except ValueError as error:
            raise ValueError(f"names has the template {made.template!r}: {error}") from None
        if needed not in fields:
            raise ValueError(f"names={given!r} gives all parts one name: it must contain {{{needed}}}")
        return made

    def __call__(self, p: Parameter, **fields: Any) -> str:
        """Return the name of a part of a parameter."""
        parent, _, name = p.name.rpartition(".")
        known = {**p.captures, "parent": parent, "name": name, **fields}
        if self.pattern is None:
            # The name of an array that no module holds has no parent.
            return self._filled(self.template, known).removeprefix(".")
        found = re.search(self.pattern, p.name)
        if found is None:
            raise ValueError(f"names={self.as_given()!r} does not fit: {self.pattern!r} is not found in {p.name!r}")
        try:
            template = found.expand(self.template)
        except (IndexError, re.error) as error:
            raise ValueError(f"names={self.as_given()!r} does not fit: {error}") from None
        return p.name[: found.start()] + self._filled(template, known) + p.name[found.end() :]

    def _filled(self, template: str, known: Mapping[str, Any]) -> str:
        try:
            return template.format_map(known)
        except (AttributeError, IndexError, KeyError, ValueError):
            braces = ", ".join(f"{{{field}}}" for field in known)
            raise ValueError(f"names={self.as_given()!r} must have no other braces than {braces}") from None

    def as_given(self) -> Names:
        """Return what the user gave."""
        return self.template if self.pattern is None else (self.pattern, self.template)
