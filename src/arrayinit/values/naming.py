"""The function that makes the values of an initializer, with the documentation of the function that fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from arrayinit.core.autograph import as_written
from arrayinit.values.definitions import definition
from arrayinit.values.documentation import documentation
from arrayinit.values.value import Initializer

if TYPE_CHECKING:
    from arrayinit.values.types import Function, P


def value_of(function: Function[P]) -> Callable[P, Initializer]:
    """Return the function that makes the values of an initializer."""
    of = definition(function)

    def make(*args: Any, **kwargs: Any) -> Initializer:
        return Initializer(of.function, *args, **kwargs)

    make.__name__ = make.__qualname__ = of.name
    make.__module__ = of.function.__module__
    make.__doc__ = documentation(of.name, of.function.__doc__)
    make.__signature__ = of.signature.replace(return_annotation="Initializer")  # type: ignore[attr-defined]
    return as_written(make)
