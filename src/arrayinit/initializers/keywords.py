"""Keywords that other libraries use: an error says what they are called here.

A wrapper that looked at the keywords would cost a small call 5 %; ``**wrong``, which holds nothing, costs nothing that
can be measured.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_NAMES = {"tensor": "x", "generator": "rng", "key": "rng", "seed": "rng"}


def public(function: F) -> F:
    """Hide ``**wrong``, which no call is to use, from all that reads the signature."""
    signature = inspect.signature(function)
    kept = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    function.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    return function


def misnamed(function: Callable[..., Any], wrong: Mapping[str, Any]) -> TypeError:
    """Return the error for keywords that a function does not have."""
    name, accepted = next(iter(wrong)), inspect.signature(function).parameters
    own = _NAMES.get(name)
    hint = f"it is called {own} here" if own in accepted else f"it takes {', '.join(accepted)}"
    return TypeError(f"{function.__name__}() got an unexpected keyword argument {name!r}; {hint}")
