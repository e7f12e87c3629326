"""Checks of the scalar arguments: each error names the argument, the value it got and what would be right."""

from __future__ import annotations

from math import inf
from numbers import Real


def shown(value: object) -> str:
    """Return what an error shows of a value that a user gave."""
    try:
        return repr(value)
    except ValueError:
        # Python prints no integer of more than some thousand digits.
        return "a number too long to be printed"


def counted(number: int, one: str, many: str) -> str:
    """Return the number, and the noun in singular or plural."""
    return f"{number} {one if number == 1 else many}"


def real(name: str, value: float) -> float:
    """Return ``value`` as a float if it is a real number, infinite or not."""
    if type(value) is not float:
        value = _float(name, value)
    # Comparisons, unlike math.isnan, can be traced by torch.compile.
    if not value <= inf:
        raise ValueError(f"{name} must not be NaN")
    return value


def finite(name: str, value: float) -> float:
    """Return ``value`` as a float if it is a finite real number."""
    if type(value) is not float:
        value = _float(name, value)
    if not -inf < value < inf:
        raise ValueError(f"{name} must be finite, got {real(name, value)!r}")
    return value


def _float(name: str, value: object) -> float:
    if type(value) is not int and (isinstance(value, bool) or not isinstance(value, Real)):
        raise TypeError(f"{name} must be a real number, got {value!r} of type {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must fit a double, got {shown(value)}") from None


def non_negative(name: str, value: float) -> float:
    """Return ``value`` as a float if it is finite and not below zero."""
    value = finite(name, value)
    if value < 0:
        raise ValueError(f"{name} must be at least 0, got {value!r}")
    return value


def positive(name: str, value: float) -> float:
    """Return ``value`` as a float if it is finite and above zero."""
    value = finite(name, value)
    if value <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}")
    return value


def ordered(low_name: str, low: float, high_name: str, high: float) -> None:
    """Raise unless the two bounds of an interval are in order."""
    if low > high:
        raise ValueError(f"{low_name} must be at most {high_name}, got {low_name}={low!r} and {high_name}={high!r}")
