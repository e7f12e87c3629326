"""constant_, ones_, zeros_, eye_, dirac_: nothing is drawn, and any dtype will do."""

from __future__ import annotations

from typing import Any

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.dtypes import fill_value
from arrayinit.core.fans import per_group
from arrayinit.core.layouts import DEFAULT, parse


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
        ``x`` itself, filled; for JAX a new array of the same shape, dtype and sharding.

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
        ``x`` itself, filled; for JAX a new array of the same shape, dtype and sharding.

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
        ``x`` itself, filled; for JAX a new array of the same shape, dtype and sharding.

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


def eye_(x: Array) -> Array:
    """Fill the matrix ``x`` with the identity: 1 on the diagonal, 0 elsewhere.

    A linear layer with these weights hands on as many of its inputs as it has outputs for.

    Parameters
    ----------
    x
        Array of shape (rows, columns), any dtype.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX a new array of the same shape, dtype and sharding.

    Raises
    ------
    TypeError
        ``x`` is not an array, or of a dtype outside the array API.
    ValueError
        ``x`` is not 2-D; a read-only ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> arrayinit.eye_(np.empty((2, 3)))
    array([[1., 0., 0.],
           [0., 1., 0.]])

    References
    ----------
    Q. V. Le, N. Jaitly, G. E. Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units", 2015.
    """
    backend = backend_of(x)
    fill_value(backend.dtype(x), 1)
    check_matrix(x, "eye_")
    backend.check_writable(x)

    def body(target: Array) -> Array:
        diagonal = backend.arange(target, min(x.shape))
        return backend.put(backend.fill(target, 0), (diagonal, diagonal), 1)

    return backend.where_it_lives(x, body)


def dirac_(x: Array, groups: int = 1, *, layout: str = DEFAULT) -> Array:
    """Fill the convolution kernel ``x`` with the Dirac delta: 1 at the centre, output i from input i; 0 elsewhere.

    With these weights, and padding of half the kernel, a convolution hands on as many of its channels as it can; with
    groups, each group does. The centre of an axis of size k is at ``k // 2``.

    Parameters
    ----------
    x
        Array of 3, 4 or 5 axes, any dtype.
    groups
        Number of groups of the convolution, at least 1; divides the output features of ``x``.
    layout
        What each axis of ``x`` is; see `calculate_fan_in_and_fan_out`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX a new array of the same shape, dtype and sharding.

    Raises
    ------
    TypeError
        ``x`` is not an array, or of a dtype outside the array API.
    ValueError
        ``x`` is not 3-, 4- or 5-D; ``groups`` or ``layout`` does not fit it; a read-only ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> arrayinit.dirac_(np.empty((2, 2, 3)))
    array([[[0., 1., 0.],
            [0., 0., 0.]],
    <BLANKLINE>
           [[0., 0., 0.],
            [0., 1., 0.]]])

    References
    ----------
    S. Zagoruyko, N. Komodakis, "DiracNets: Training Very Deep Neural Networks Without Skip-Connections", 2017.
    """
    backend = backend_of(x)
    fill_value(backend.dtype(x), 1)
    shape = tuple(x.shape)
    if len(shape) not in (3, 4, 5):
        raise ValueError(f"dirac_ needs a kernel of 3, 4 or 5 axes, got x of shape {shape}")
    axes = parse(layout, shape)
    outputs, inputs, _ = axes.sizes(shape)
    size = per_group(outputs, groups)
    backend.check_writable(x)

    def body(target: Array) -> Array:
        blank = backend.fill(target, 0)
        if 0 in shape:
            return blank
        channel = backend.arange(target, groups * min(size, inputs))
        group, channel = channel // min(size, inputs), channel % min(size, inputs)
        index: list[Any] = [n // 2 if i in axes.kernel else slice(None) for i, n in enumerate(shape)]
        for features, role in ((group * size + channel, axes.outputs), (channel, axes.inputs)):
            stride = 1
            for i in reversed(role):
                index[i] = features // stride % shape[i]
                stride *= shape[i]
        return backend.put(blank, tuple(index), 1)

    return backend.where_it_lives(x, body)


def check_matrix(x: Any, name: str) -> None:
    """Raise unless ``x`` is 2-D."""
    if len(x.shape) != 2:
        raise ValueError(f"{name} needs a matrix, of 2 axes, got x of shape {tuple(x.shape)}")
