"""What the checks must know of a library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from arrayinit.testing.cases import COMPLEX, INTEGER


@dataclass(frozen=True)
class Library:
    """How the checks make arrays of a library, and read them.

    Parameters
    ----------
    name
        The name of the library, for the names of the checks.
    empty
        Returns an array of a shape and a dtype, by its name in the array API; the values do not matter.
    to_numpy
        Returns the values of an array as a NumPy array; bfloat16 in any dtype that holds its values.
    dtypes
        The dtypes that the library has, by their names in the array API; "bfloat16" too.
    """

    name: str
    empty: Callable[[tuple[int, ...], str], Any]
    to_numpy: Callable[[Any], np.ndarray[Any, Any]]
    dtypes: tuple[str, ...] = ("float32", "float64", *COMPLEX, *INTEGER)
