"""Keywords of other libraries: the error names arrayinit's keyword.

A wrapper that checks the keywords would slow a small call by 5 %. An empty ``**wrong`` has no measurable cost.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from arrayinit.core.autograph import as_written

F = TypeVar("F", bound=Callable[..., Any])

_NAMES = {"tensor": "x", "generator": "rng", "key": "rng", "seed": "rng"}


def public(function: F) -> F:
    """Hide ``**wrong`` from the signature of a public function, and the function from AutoGraph."""
    signature = inspect.signature(function)
    kept = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    function.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    return as_written(function)


def misnamed(function: Callable[..., Any], wrong: Mapping[str, Any]) -> TypeError:
    """Return the error for an unknown keyword of a function."""
    return unknown_keyword(function.__name__, inspect.signature(function).parameters, wrong)


def unknown_keyword(function: str, accepted: Collection[str], wrong: Mapping[str, Any]) -> TypeError:
    """Return the error for an unknown keyword of a function of this name, which takes ``accepted``."""
    name = next(iter(wrong))
    own = _NAMES.get(name)
    hint = f"it is called {own} here" if own in accepted else f"it takes {', '.join(accepted) or 'none'}"
    return TypeError(f"{function}() got an unexpected keyword argument {name!r}; {hint}")
