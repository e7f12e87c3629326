"""One row for each initializer: how it is called, and on what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

import arrayinit

MATRIX = (12, 10)
KERNEL = (6, 4, 3, 5)
REAL = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
INTEGER = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@dataclass(frozen=True)
class Case:
    """A function with arguments that each change its result, and the shape of what it fills."""

    name: str
    shape: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    dtypes: tuple[str, ...] = (*REAL, *COMPLEX)
    is_drawn: bool = True
    """Whether it takes ``rng``."""
    has_layout: bool = True
    is_exact: bool = True
    """Whether a seed gives the same bits everywhere; a decomposition gives them to a few roundings."""

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

    def __str__(self) -> str:
        """Return the call, as the name of a test."""
        return (
            f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.arguments.items() if key != 'source')})"
        )


def _fixed(name: str, shape: tuple[int, ...], *, has_layout: bool = False, **arguments: Any) -> Case:
    return Case(name, shape, arguments, (*REAL, *COMPLEX, *INTEGER), is_drawn=False, has_layout=has_layout)


def _case(name: str, /, **arguments: Any) -> Case:
    return Case(name, KERNEL, arguments)


def _orthogonal(name: str, /, **arguments: Any) -> Case:
    return Case(name, KERNEL, arguments, is_exact=False)


CASES: tuple[Case, ...] = (
    _case("uniform_", a=-1.0, b=2.0),
    _case("normal_", mean=1.0, std=2.0),
    Case("trunc_normal_", KERNEL, {"mean": 0.5, "std": 2.0, "a": -1.0, "b": 3.0}, REAL),
    _fixed("constant_", KERNEL, val=3),
    _fixed("ones_", KERNEL),
    _fixed("zeros_", KERNEL),
    _fixed("eye_", MATRIX, has_layout=True),
    _fixed("dirac_", KERNEL, has_layout=True, groups=2),
    _case("xavier_uniform_", gain=2.0),
    _case("xavier_normal_", gain=2.0),
    _case("kaiming_uniform_", a=0.5, mode="fan_out"),
    _case("kaiming_normal_", mode="fan_out", nonlinearity="relu"),
    _orthogonal("orthogonal_", gain=2.0),
    Case("sparse_", MATRIX, {"sparsity": 0.3, "std": 0.5}, has_layout=False),
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
"""Layouts of a kernel, and the axes of the default layout in their order."""
