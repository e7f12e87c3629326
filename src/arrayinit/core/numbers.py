"""Checks of scalar arguments: each error names the argument, the value it got and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from numbers import Real
from typing import Any


def shown(value: object) -> str:
    """Return the text for a user's value in an error."""
    try:
        return repr(value)
    except ValueError:
        # Python prints no integer of more than a few thousand digits.
        return "a number too long to be printed"


def counted(number: int, one: str, many: str) -> str:
    """Return the number with the noun in singular or plural."""
    return f"{number} {one if number == 1 else many}"


# Each library has one of these words in the name of a dtype: "torch.bool", "uint8", "bfloat16", "complex64"; tinygrad
# has those of C.
_KINDS: dict[str, type] = {
    "bool": bool,
    "complex": complex,
    **dict.fromkeys(("int", "char", "short", "long"), int),
    **dict.fromkeys(("float", "half", "double"), float),
}

TRACERS: dict[str, Callable[[], bool]] = {}
"""By name, what makes every array symbolic while it traces, of other libraries too; a function says whether it does."""


def concrete(name: str, value: Any, hint: str = "compute it outside, in Python or NumPy") -> Any:
    """Return the number in a 0-d array, and any other value as it is; raise TypeError for a traced array."""
    # Numbers first: torch.compile may have made them symbolic, and symbolic numbers have no other attributes.
    if isinstance(value, (int, float, str)) or getattr(value, "ndim", None) != 0:
        return value
    # To ask a symbolic array for its number may fail within the tracer.
    for tracer, is_tracing in TRACERS.items():
        if is_tracing():
            raise TypeError(f"{name} must be a concrete number, got an array under {tracer}: {hint}")
    dtype = str(getattr(value, "dtype", ""))
    kind = next((kind for word, kind in _KINDS.items() if word in dtype), None)
    if kind is None:
        return value
    try:
        return kind(value if hasattr(value, "__float__") else value.tolist())
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must be a concrete number, got a {type(value).__name__} of dtype {dtype} without a value, as "
            f"under a trace: {hint}"
        ) from error


def described(value: object) -> str:
    """Return the text for a value of a wrong type in an error: the value and its type."""
    array: Any = value
    if isinstance(getattr(value, "ndim", None), int):
        return f"an array of shape {tuple(array.shape)} and dtype {array.dtype}"
    return f"{shown(value)} of type {type(value).__name__}"


def real(name: str, value: float) -> float:
    """Return ``value`` as a float; raise unless it is a real number, finite or infinite."""
    if type(value) is not float:
        value = _float(name, value)
    # torch.compile can trace a comparison, but not math.isnan.
    if not value <= inf:
        raise ValueError(f"{name} must not be NaN")
    return value


def finite(name: str, value: float) -> float:
    """Return ``value`` as a float; raise unless it is a finite real number."""
    if type(value) is not float:
        value = _float(name, value)
    if not -inf < value < inf:
        raise ValueError(f"{name} must be finite, got {real(name, value)!r}")
    return value


def _float(name: str, value: object) -> float:
    number = value if type(value) is int or isinstance(value, Real) else concrete(name, value)
    if type(number) is not int and (isinstance(number, bool) or not isinstance(number, Real)):
        raise TypeError(f"{name} must be a real number, got {described(value)}")
    try:
        return float(number)
    except OverflowError:
        raise ValueError(f"{name} must fit a double, got {shown(value)}") from None


def non_negative(name: str, value: float) -> float:
    """Return ``value`` as a float; raise unless it is finite and at least 0."""
    value = finite(name, value)
    if value < 0:
        raise ValueError(f"{name} must be at least 0, got {value!r}")
    return value


def positive(name: str, value: float) -> float:
    """Return ``value`` as a float; raise unless it is finite and above 0."""
    value = finite(name, value)
    if value <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}")
    return value


def ordered(low_name: str, low: float, high_name: str, high: float) -> None:
    """Raise ValueError unless ``low <= high``."""
    if low > high:
        raise ValueError(f"{low_name} must be at most {high_name}, got {low_name}={low!r} and {high_name}={high!r}")
