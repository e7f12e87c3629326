"""constant_, ones_, zeros_: no random numbers, any dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.dtypes import fill_value
from arrayinit.core.keywords import misnamed
from arrayinit.initializers.fill import write
from arrayinit.kernels.fill import Constant
from arrayinit.values import Initializer, initializer, value_of

if TYPE_CHECKING:
    from arrayinit.values.types import NoMore


@initializer(lambda v, by, val: v.replace(val=by(val)))
def constant_(x: Array, val: complex, **wrong: Unpack[NoMore]) -> Array:
    """Fill ``x`` with the value ``val``.

    Parameters
    ----------
    x
        Array of any shape and dtype, integers and booleans too.
    val
        A number, rounded once to the dtype. For an integer array, it must lie within the range of the dtype, and its
        fraction is cut off, as in torch. float8 dtypes take NaN, but no infinity except float8_e5m2.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX, Dask and TensorFlow's tensors, a new array with the same shape, dtype, and
        sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array; ``val`` is not a number; ``val`` is complex and ``x`` is real.
    ValueError
        ``val`` does not fit the dtype; a read-only ``x``.

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


constant = value_of(constant_)


@initializer(lambda _, by: Initializer(constant_, by(1.0)))
def ones_(x: Array, **wrong: Unpack[NoMore]) -> Array:
    """Fill ``x`` with 1.

    Parameters
    ----------
    x
        Array of any shape and dtype.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX, Dask and TensorFlow's tensors, a new array with the same shape, dtype, and
        sharding or chunks.

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


ones = value_of(ones_)


@initializer(lambda v, _: v)
def zeros_(x: Array, **wrong: Unpack[NoMore]) -> Array:
    """Fill ``x`` with 0.

    Parameters
    ----------
    x
        Array of any shape and dtype.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX, Dask and TensorFlow's tensors, a new array with the same shape, dtype, and
        sharding or chunks.

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


zeros = value_of(zeros_)
