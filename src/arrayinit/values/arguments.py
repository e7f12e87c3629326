"""The arguments of a value: bound to names, checked at once, and written as plain data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from numbers import Integral, Real
from typing import Any

from arrayinit.core.keywords import unknown_keyword
from arrayinit.core.layouts import DEFAULT
from arrayinit.core.numbers import concrete
from arrayinit.values.abstract import Abstract
from arrayinit.values.definitions import Definition, named

# What frameworks pass to a value.
_ASKED = {"key", "shape", "dtype"}


def bound(of: Definition, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return all arguments by name, with the defaults, numbers as Python numbers."""
    if "rng" in kwargs:
        raise TypeError(f"{of.name}() takes no rng, since a value holds no seed: pass rng where the value is called")
    if any(_is_array(argument) for argument in (*args, *kwargs.values())):
        raise TypeError(f"{of.name}() makes a value that fills later, and takes no array: {of.name}_(x) fills x now")
    if _ASKED.intersection(kwargs) or any(isinstance(argument, (tuple, list)) for argument in args):
        raise TypeError(f"{of.name} was called as frameworks call a value: pass {of.name}(), with the brackets")
    parameters = of.signature.parameters
    unknown = {name: given for name, given in kwargs.items() if name not in parameters}
    if unknown:
        raise unknown_keyword(of.name, parameters, unknown)
    try:
        given = of.signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{of.name}(): {error}") from None
    given.apply_defaults()
    return {name: _number(name, argument) for name, argument in given.arguments.items()}


def _is_array(argument: Any) -> bool:
    return hasattr(argument, "shape") and hasattr(argument, "dtype") and len(argument.shape) > 0


def _number(name: str, argument: Any) -> Any:
    """Return a number of any library as Python's; the function checks all else."""
    if isinstance(argument, (bool, str)):
        return str(argument) if isinstance(argument, str) else argument
    argument = concrete(name, argument)
    if isinstance(argument, Integral):
        return argument if isinstance(argument, bool) else int(argument)
    if isinstance(argument, Real):
        # One object for all NaNs, so that values with a NaN can be equal.
        return math.nan if argument != argument else float(argument)  # noqa: PLR0124
    return argument


def checked(of: Definition, fill: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Raise what the function raises for these arguments, by filling a small array that has no memory."""
    layout, groups = arguments.get("layout"), arguments.get("groups")
    letters = layout if isinstance(layout, str) else DEFAULT
    count = len(letters.replace("...", ""))
    size = groups if type(groups) is int and groups > 0 else 1
    shape = (size,) * (max(count, of.axes) if "..." in letters else count)
    fill(Abstract.taking(arguments, shape))


def plain(of: Definition, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are not the defaults as plain data for JSON."""
    return {name: _text(argument) for name, argument in changed(of, arguments).items()}


def changed(of: Definition, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are not the defaults."""
    defaults = {name: parameter.default for name, parameter in of.signature.parameters.items()}
    return {name: value for name, value in arguments.items() if value != defaults[name]}


def _text(argument: Any) -> Any:
    """Return a number that JSON lacks as text: an infinity, a NaN, or a complex number."""
    is_plain = not isinstance(argument, (float, complex)) or (isinstance(argument, float) and math.isfinite(argument))
    return argument if is_plain else str(argument)


def named_arguments(config: str | Mapping[str, Mapping[str, Any]]) -> tuple[Definition, dict[str, Any]]:
    """Return the definition and the arguments of plain data."""
    if isinstance(config, str):
        return named(config), {}
    items = list(config.items()) if isinstance(config, Mapping) else []
    if len(items) != 1 or not isinstance(items[0][1], Mapping):
        raise ValueError(f"an initializer is written {{'normal': {{'std': 0.02}}}}, or 'zeros'; got {config!r}")
    ((name, arguments),) = items
    of = named(name)
    return of, {name: _from_text(of, name, argument) for name, argument in arguments.items()}


def _from_text(of: Definition, name: str, argument: Any) -> Any:
    """Return the number of a text that stands for one."""
    if not isinstance(argument, str) or isinstance(of.signature.parameters[name].default, str):
        return argument
    for kind in (float, complex):
        with suppress(ValueError):
            return kind(argument)
    return argument
