"""constant_, ones_, zeros_: nothing is drawn, and any dtype will do."""

from __future__ import annotations

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.dtypes import fill_value


def constant_(x: Array, val: complex) -> Array:
    """Fill ``x`` with the value ``val``.

    Parameters
    ----------
    x
        Array of any shape and dtype, integers and booleans too.
    val
        A number. In an integer array it must be within the range, and is cut off at the point, as torch does.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array; ``val`` is not a number, or complex for a real ``x``.
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
    backend = backend_of(x)
    value = fill_value(backend.dtype(x), val)
    backend.check_writable(x)
    return backend.where_it_lives(x, lambda target: backend.fill(target, value))


def ones_(x: Array) -> Array:
    """Fill ``x`` with 1.

    Parameters
    ----------
    x
        Array of any shape and dtype.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

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
    return constant_(x, 1)


def zeros_(x: Array) -> Array:
    """Fill ``x`` with 0.

    Parameters
    ----------
    x
        Array of any shape and dtype.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

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
    return constant_(x, 0)
