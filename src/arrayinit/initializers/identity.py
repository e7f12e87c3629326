"""eye_, dirac_: each output feature hands on one input feature; nothing is drawn, and any dtype will do."""

from __future__ import annotations

from typing import Any

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.dtypes import fill_value
from arrayinit.core.fans import per_group
from arrayinit.core.layouts import DEFAULT, parse
from arrayinit.core.numbers import shown


def eye_(x: Array, *, layout: str = DEFAULT) -> Array:
    """Fill the matrix ``x`` with the identity: 1 on the diagonal, 0 elsewhere.

    A linear layer with these weights hands on as many of its inputs as it has outputs for:

    .. math::
        W_{oi} = [o = i].

    Parameters
    ----------
    x
        Array of shape (rows, columns), any dtype; with a ``layout`` also of several axes of output or input features,
        which are flattened, and of batch axes, each with an identity of its own.
    layout
        What each axis of ``x`` is, none of them a kernel axis; see `calculate_fan_in_and_fan_out`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array, or of a dtype outside the array API.
    ValueError
        ``x`` has fewer than 2 axes, or a kernel axis; ``layout`` does not fit it; a read-only ``x``.

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
    fill_value(backend_of(x).dtype(x), 1)
    shape = tuple(x.shape)
    if len(shape) < 2 or parse(layout, shape).kernel:
        raise ValueError(
            f"eye_ needs a matrix, without kernel axes, got x of shape {shape} with layout {shown(layout)}"
        )
    return _identity(x, layout, groups=1)


def dirac_(x: Array, groups: int = 1, *, layout: str = DEFAULT) -> Array:
    """Fill the convolution kernel ``x`` with the Dirac delta: 1 at the centre, output i from input i; 0 elsewhere.

    With these weights, and padding of half the kernel, a convolution hands on as many of its channels as it can; with
    groups, each group does. The centre of an axis of size k is at ``k // 2``.

    Parameters
    ----------
    x
        Array of 3 axes or more, of which up to 3 are kernel axes, any dtype: with the default layout 3, 4 or 5 axes.
    groups
        Number of groups of the convolution, at least 1; divides the output features of ``x``.
    layout
        What each axis of ``x`` is; see `calculate_fan_in_and_fan_out`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array, or of a dtype outside the array API.
    ValueError
        ``x`` has fewer than 3 axes, or more than 3 kernel axes; ``groups`` or ``layout`` does not fit it; a read-only
        ``x``.

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
    fill_value(backend_of(x).dtype(x), 1)
    shape = tuple(x.shape)
    if len(shape) < 3 or len(parse(layout, shape).kernel) > 3:
        raise ValueError(
            f"dirac_ needs a kernel of 3 axes or more, 3 of them kernel axes at the most, "
            f"got x of shape {shape} with layout {shown(layout)}"
        )
    return _identity(x, layout, groups)


def _identity(x: Array, layout: str, groups: int) -> Array:
    """Set output feature i of each group to its input feature i, at the centre of the kernel."""
    backend = backend_of(x)
    shape = tuple(x.shape)
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
