"""The table of initializers: their arguments, and the shape and dtypes of their arrays. The tests have no other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

import arrayinit

MATRIX = (12, 10)
KERNEL = (6, 4, 3, 5)
REAL = ("float16", "bfloat16", "float32", "float64")
FLOAT8 = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
COMPLEX = ("complex64", "complex128")
INTEGER = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


# Rows are compared by identity, so that `jax.jit(case.fill)` can hash them.
@dataclass(frozen=True, eq=False)
class Case:
    """A function, the shape of its array, and arguments each of which changes the result.

    The first row of a function stands for the function. Each further row is drawn in another way.
    """

    name: str
    shape: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    dtypes: tuple[str, ...] = (*REAL, *FLOAT8, *COMPLEX)
    is_drawn: bool = True
    """Whether the function takes ``rng``."""
    has_layout: bool = True
    is_exact: bool = True
    """Whether a seed gives the same bits everywhere. A decomposition gives them up to a few roundings."""

    @property
    def function(self) -> Callable[..., Any]:
        """The public function."""
        function: Callable[..., Any] = getattr(arrayinit, self.name)
        return function

    def fill(self, x: Any, rng: Any = 5, **options: Any) -> Any:
        """Call the function with the arguments of this row."""
        if self.is_drawn:
            options["rng"] = rng
        return self.function(x, **self.arguments, **options)

    def at(self, shape: tuple[int, ...]) -> Case:
        """Return the same call on an array of another shape."""
        return replace(self, shape=shape)

    def __str__(self) -> str:
        """Return the call as text, for the name of a test."""
        return (
            f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.arguments.items() if key != 'source')})"
        )


def _fixed(name: str, shape: tuple[int, ...], *, has_layout: bool = False, **arguments: Any) -> Case:
    return Case(name, shape, arguments, (*REAL, *FLOAT8, *COMPLEX, *INTEGER), is_drawn=False, has_layout=has_layout)


def _case(name: str, /, **arguments: Any) -> Case:
    return Case(name, KERNEL, arguments)


def _truncated(**arguments: float) -> Case:
    return Case("trunc_normal_", KERNEL, arguments, (*REAL, *FLOAT8))


def _orthogonal(name: str, /, **arguments: Any) -> Case:
    return Case(name, KERNEL, arguments, is_exact=False)


CASES: tuple[Case, ...] = (
    _case("uniform_", a=-0.3, b=0.7),
    _case("uniform_", a=-0.3, b=0.3),
    _case("uniform_"),
    _case("normal_", mean=0.5, std=0.3),
    _case("normal_", std=0.02),
    _case("normal_"),
    # Each way of inverting, and bounds on either side and on none.
    _truncated(mean=0.5, std=2.0, a=-1.0, b=3.0),
    _truncated(),
    _truncated(a=2.0, b=3.0),
    _truncated(a=0.0, b=10.0),
    _truncated(std=0.02, a=0.6, b=100.0),
    _truncated(a=-40.0, b=-39.0),
    _truncated(mean=5.0, std=2.0, a=-math.inf, b=4.0),
    _truncated(a=-1e-6, b=1e-6),
    _fixed("constant_", KERNEL, val=3),
    _fixed("ones_", KERNEL),
    _fixed("zeros_", KERNEL),
    _fixed("eye_", MATRIX, has_layout=True),
    _fixed("dirac_", KERNEL, has_layout=True, groups=2),
    _case("xavier_uniform_", gain=2.0),
    _case("xavier_normal_", gain=1.5),
    _case("kaiming_uniform_", a=0.1, mode="fan_out"),
    _case("kaiming_normal_", mode="fan_out", nonlinearity="relu"),
    _orthogonal("orthogonal_", gain=2.0),
    # Few zeros, and many.
    Case("sparse_", MATRIX, {"sparsity": 0.3}, has_layout=False),
    Case("sparse_", MATRIX, {"sparsity": 0.8, "std": 0.5}, has_layout=False),
    _case("variance_scaling_", scale=2.0, mode="fan_avg"),
    _case("variance_scaling_", scale=2.0, mode="fan_geo_avg", distribution="uniform"),
    _case("variance_scaling_", scale=2.0, distribution="normal"),
    _case("lecun_uniform_"),
    _case("lecun_normal_"),
    _orthogonal("delta_orthogonal_", gain=2.0),
    _fixed("copy_", MATRIX, source=np.arange(120).reshape(MATRIX) % 3 == 0),
)

LAYOUTS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"OI...": (0, 1, 2, 3), "IO...": (1, 0, 2, 3), "...IO": (2, 3, 1, 0), "O...I": (0, 2, 3, 1)}
)
"""For each layout of a kernel, the axes of the default layout in the order of that layout."""
