"""What the tests know of an array library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pytest
from never_run import NO_SUCH_CASE

from arrayinit.testing.cases import INTEGER

REAL = ("float16", "bfloat16", "float32", "float64")
# Not among those of a library: they have tests of their own, beside those that take all dtypes.
FLOAT8 = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
COMPLEX = ("complex64", "complex128")

# From what makes a contiguous array of a shape, and the shape, to the array.
Form = Callable[[Callable[[tuple[int, ...]], Any], tuple[int, ...]], Any]


@dataclass(frozen=True)
class Library:
    """How the tests make arrays of one library on one device, and read them."""

    name: str
    module: str
    dtypes: tuple[str, ...]
    empty: Callable[[tuple[int, ...], str], Any]
    to_numpy: Callable[[Any], np.ndarray]
    generator: Callable[[int], Any]
    """A generator of the library's own; of NumPy where it has none."""
    device: Callable[[Any], Any]
    in_place: bool = True
    has_float8: bool = False
    has_views: bool = True
    """Whether slices of an array that can be written are views."""
    threads_share: bool = True
    """Whether all threads draw from one global generator."""
    lacks: tuple[str, ...] = ()
    """The integers, and the float8 dtypes, that the library does not have."""
    tries: int = 500
    """How many arguments are tried for a function: fewer where calls are slow."""
    is_slow: bool = False
    """Whether a fill takes milliseconds, whatever the size."""
    holds: str = ""
    """The module of the arrays that its objects hold."""

    @property
    def of_arrays(self) -> str:
        """The module of its arrays, whose generators and traces are its own."""
        return self.holds or self.module

    def has(self, dtype: str) -> bool:
        """Whether the library has a dtype."""
        others = (*INTEGER, *(FLOAT8 if self.has_float8 else ()))
        return dtype in self.dtypes or (dtype in others and dtype not in self.lacks)

    @property
    def integers(self) -> tuple[str, ...]:
        """The dtypes of integers, and bool."""
        return tuple(dtype for dtype in INTEGER if self.has(dtype))

    def full(self, shape: tuple[int, ...], dtype: str, value: float) -> Any:
        """Return an array that shows where it was written."""
        import arrayinit

        return arrayinit.constant_(self.empty(shape, dtype), value)


def as_plain(x: Any) -> np.ndarray:
    """Return the elements in a dtype of NumPy's own."""
    values = np.asarray(x)
    if values.dtype.name not in ("bfloat16", *FLOAT8):
        return values
    # Memory that no one has filled may hold signaling NaNs.
    with np.errstate(invalid="ignore"):
        return values.astype(np.float64)


def no_such_case(reason: str) -> NoReturn:
    """Skip a combination of parameters that has no meaning. Any other test that every session skips fails the build."""
    pytest.skip(NO_SUCH_CASE + reason)
