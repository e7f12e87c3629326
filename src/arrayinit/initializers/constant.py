"""constant_, ones_, zeros_: no random numbers, any dtype."""

from __future__ import annotations

from typing import Never

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.dtypes import fill_value
from arrayinit.initializers.fill import write
from arrayinit.initializers.keywords import misnamed, public
from arrayinit.kernels.fill import Constant


@public
def constant_(x: Array, val: complex, **wrong: Never) -> Array:
    """Fill ``x`` with the value ``val``.

    Parameters
    ----------
    x
        Array of any shape and dtype, integers and booleans too.
    val
        A number. For an integer array, it must lie within the range of the dtype, and its fraction is cut off, as in
        torch.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX and Dask, a new array with the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array; ``val`` is not a number; ``val`` is complex and ``x`` is real.
    ValueError
        ``val`` does not fit an integer dtype; a read-only ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> arrayinit.constant_(np.empty(3, "int8"), 7)
    array([7, 7, 7], dtype=int8)

    References
    ----------
    Python array API standard, "full_like", 2021.
    """
    if wrong:
        raise misnamed(constant_, wrong)
    return write(x, Constant(fill_value(backend_of(x).dtype(x), val)))


@public
def ones_(x: Array, **wrong: Never) -> Array:
    """Fill ``x`` with 1.

    Parameters
    ----------
    x
        Array of any shape and dtype.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX and Dask, a new array with the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array.
    ValueError
        A read-only ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> arrayinit.ones_(np.empty(3))
    array([1., 1., 1.])

    References
    ----------
    Python array API standard, "ones_like", 2021.
    """
    if wrong:
        raise misnamed(ones_, wrong)
    return constant_(x, 1)


@public
def zeros_(x: Array, **wrong: Never) -> Array:
    """Fill ``x`` with 0.

    Parameters
    ----------
    x
        Array of any shape and dtype.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX and Dask, a new array with the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array.
    ValueError
        A read-only ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> arrayinit.zeros_(np.empty(3))
    array([0., 0., 0.])

    References
    ----------
    Python array API standard, "zeros_like", 2021.
    """
    if wrong:
        raise misnamed(zeros_, wrong)
    return constant_(x, 0)
