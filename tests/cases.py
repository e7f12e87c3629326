"""The rows of the kit's table, as the tests take them: by function, and by way of drawing."""

from __future__ import annotations

import inspect
from typing import Any

import arrayinit
from arrayinit import Initializer
from arrayinit.testing.cases import CASES, KERNEL, MATRIX, Case

__all__ = ["CASES", "KERNEL", "MATRIX", "Case"]

# The first row of each function; of those that draw, and of the others.
FUNCTIONS: dict[str, Case] = {}
for _case in CASES:
    FUNCTIONS.setdefault(_case.name, _case)
DRAWN = {name: case for name, case in FUNCTIONS.items() if case.is_drawn}
FIXED = {name: case for name, case in FUNCTIONS.items() if not case.is_drawn}

# The rows of the functions that have a value, which is made from the same arguments.
FILLING = [case for case in CASES if case.name != "copy_"]


def value_of(case: Case) -> Initializer:
    """Return the value for a row."""
    value: Initializer = getattr(arrayinit, case.name.removesuffix("_"))(**case.arguments)
    return value


# Enough elements for each branch of the transforms; the rows begin anywhere in a block of the counter.
LARGE_KERNEL, LARGE_MATRIX = (30, 21, 5, 7), (211, 103)
_LARGE = {KERNEL: LARGE_KERNEL, MATRIX: LARGE_MATRIX}
# Each way of drawing that gives a seed the same bits everywhere; the first of a function by the function's name.
DRAWS = {
    case.name if case in FUNCTIONS.values() else str(case): case.at(_LARGE[case.shape])
    for case in CASES
    if case.is_drawn and case.is_exact
}
# Those that differ from each other in more than their scale.
_UNSCALED = ("uniform_", "normal_", "trunc_normal_", "sparse_")
DISTRIBUTIONS = {text: case for text, case in DRAWS.items() if case.name in _UNSCALED}


def complete(case: Case) -> dict[str, Any]:
    """Return every argument of a call but x, by name, defaults included."""
    call = inspect.signature(case.function).bind(None, **case.arguments)
    call.apply_defaults()
    return dict(list(call.arguments.items())[1:])


# The functions that a matrix is no weight for.
KERNELS = ("dirac_", "delta_orthogonal_")
# The functions that scale by the fans, and those whose draws know of no axes.
SCALED = tuple(name for name, case in DRAWN.items() if "groups" in complete(case))
# The functions that draw in ways of their own; the others scale as variance_scaling_ does, by another number.
OWN_WAYS = tuple(name for name in DRAWN if name not in SCALED or name == "variance_scaling_")
PLAIN = tuple(name for name, case in DRAWN.items() if case.is_exact and case.has_layout and name not in SCALED)

# (mean, std, a, b) of each truncated normal.
TRUNCATED = tuple(tuple(complete(case).values())[:4] for case in CASES if case.name == "trunc_normal_")
