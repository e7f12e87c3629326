"""The description of a library that the checks need."""

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
        Takes a shape and the array API's name of a dtype, and returns an array with any values.
    to_numpy
        Returns the values of an array as a NumPy array; bfloat16 and float8 values may come in any dtype that holds
        them.
    dtypes
        The array API's names of the library's dtypes, and "bfloat16", "float8_e4m3fn", "float8_e5m2",
        "float8_e4m3fnuz" and "float8_e5m2fnuz" if the library has them.

    Examples
    --------
    >>> import numpy as np
    >>> from arrayinit.testing import Library
    >>> Library("numpy", np.empty, np.asarray).empty((2, 3), "float32").shape
    (2, 3)
    """

    name: str
    empty: Callable[[tuple[int, ...], str], Any]
    to_numpy: Callable[[Any], np.ndarray[Any, Any]]
    dtypes: tuple[str, ...] = ("float32", "float64", *COMPLEX, *INTEGER)
