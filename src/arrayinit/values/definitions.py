"""The definition of each initializer: its function, and what a value needs to know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from arrayinit.core.keywords import public

if TYPE_CHECKING:
    from arrayinit.values.types import Function, P, Written
    from arrayinit.values.value import Initializer

Number = Callable[[float], float]
"""A function that multiplies or divides a number by the factor of a user."""


class Definition(NamedTuple):
    """An initializer."""

    name: str
    function: Callable[..., Any]
    signature: Signature
    """The arguments of a value: those of the function without the array and ``rng``.

    ``layout`` and ``groups`` are None by default: they may be those of a layer.
    """
    draws: bool
    """Whether the function takes ``rng``."""
    has_fans: bool
    """Whether the layout decides about more than the order of the draws."""
    axes: int
    """The least number of axes that the function takes, with dots in the layout."""
    scaled: Callable[..., Initializer]
    """Takes a value, a `Number` and the value's arguments; returns the value whose elements the `Number` scales."""

    def filling(self, arguments: Mapping[str, Any]) -> Callable[..., Any]:
        """Return the function with these arguments, which takes an array and ``rng``."""
        # A call with fewer keywords takes less time.
        defaults = self.signature.parameters
        given = {name: argument for name, argument in arguments.items() if argument is not defaults[name].default}
        if self.draws:
            return partial(self.function, **given)

        def fill(x: Any, rng: Any = None) -> Any:
            return self.function(x, **given)

        return fill


_BY_NAME: dict[str, Definition] = {}
_BY_FUNCTION: dict[Callable[..., Any], Definition] = {}


def fills(function: Written[P]) -> Function[P]:
    """Give a function that fills its types, and the signature without unknown keywords."""
    given: Any = public(function)
    return cast("Function[P]", given)


def initializer(scaled: Callable[..., Initializer], axes: int = 2) -> Callable[[Written[P]], Function[P]]:
    """Define an initializer by its function, for values too; see `Definition`."""

    def define(function: Written[P]) -> Function[P]:
        given: Any = fills(function)
        parameters = given.__signature__.parameters
        own = [_of_layer(p) for name, p in parameters.items() if name not in ("x", "rng")]
        layout = parameters.get("layout")
        found = Definition(
            given.__name__.removesuffix("_"),
            given,
            Signature(own),
            "rng" in parameters,
            layout is not None and layout.default is not None,
            axes,
            scaled,
        )
        _BY_NAME[found.name] = _BY_FUNCTION[given] = found
        return given  # type: ignore[no-any-return]

    return define


def _of_layer(parameter: Parameter) -> Parameter:
    """Return the parameter, without its default if a layer may know better."""
    return parameter.replace(default=None) if parameter.name in ("layout", "groups") else parameter


def definition(function: Callable[..., Any]) -> Definition:
    """Return the definition of a function; raise TypeError if it is none of arrayinit's."""
    found = _BY_FUNCTION.get(function)
    if found is None:
        raise TypeError(f"an Initializer takes a function of arrayinit that fills, such as normal_; got {function!r}")
    return found


def named(name: str) -> Definition:
    """Return the definition of a name; raise ValueError if there is none."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    # Imported here, as all that only few programs need.
    from difflib import get_close_matches

    near = get_close_matches(str(name), _BY_NAME)
    hint = f"did you mean {near[0]!r}?" if near else f"the names are {', '.join(sorted(_BY_NAME))}"
    raise ValueError(f"no initializer is called {name!r}; {hint}")
