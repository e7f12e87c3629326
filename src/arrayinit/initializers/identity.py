"""eye_, dirac_: each output feature hands on one input feature; nothing is drawn, and any dtype will do."""

from __future__ import annotations

from typing import Never

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.dtypes import FORMATS, fill_value, fitting_gain
from arrayinit.core.fans import per_group
from arrayinit.core.layouts import DEFAULT, parse
from arrayinit.core.numbers import finite, shown
from arrayinit.initializers.fill import write
from arrayinit.initializers.keywords import misnamed, public
from arrayinit.kernels.fill import Identity


@public
def eye_(x: Array, *, gain: float = 1.0, layout: str = DEFAULT, **wrong: Never) -> Array:
    r"""Fill the matrix ``x`` with the identity, times ``gain``: that on the diagonal, 0 elsewhere.

    A linear layer with these weights hands on as many of its inputs as it has outputs for:

    .. math::
        W_{oi} = \text{gain} \cdot [o = i].

    Parameters
    ----------
    x
        Array of shape (rows, columns), any dtype; with a ``layout`` also of several axes of output or input features,
        which are flattened, and of batch axes, each with an identity of its own.
    gain
        Factor, finite, rounded once to the dtype; in an integer array it is cut off at the point, as by `constant_`.
    layout
        What each axis of ``x`` is, none of them a kernel axis; see `calculate_fan_in_and_fan_out`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array, or of a dtype outside the array API; ``gain`` is not a real number.
    ValueError
        ``x`` has fewer than 2 axes, or a kernel axis; ``layout`` does not fit it; a gain that is not finite, or does
        not fit the dtype; a read-only ``x``.

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
    if wrong:
        raise misnamed(eye_, wrong)
    value = _rounded(x, gain)
    shape = tuple(x.shape)
    if len(shape) < 2 or parse(layout, shape).kernel:
        raise ValueError(
            f"eye_ needs a matrix, without kernel axes, got x of shape {shape} with layout {shown(layout)}"
        )
    return _identity(x, value, layout, 1)


@public
def dirac_(x: Array, groups: int = 1, *, gain: float = 1.0, layout: str = DEFAULT, **wrong: Never) -> Array:
    """Fill the convolution kernel ``x`` with the Dirac delta: ``gain`` at the centre from input i to output i, else 0.

    With these weights, and padding of half the kernel, a convolution hands on as many of its channels as it can; with
    groups, each group does. The centre of an axis of size k is at ``k // 2``.

    Parameters
    ----------
    x
        Array of 3 axes or more, of which up to 3 are kernel axes, any dtype: with the default layout 3, 4 or 5 axes.
    groups
        Number of groups of the convolution, at least 1; divides the output features of ``x``.
    gain
        Factor, finite, rounded once to the dtype; in an integer array it is cut off at the point, as by `constant_`.
    layout
        What each axis of ``x`` is; see `calculate_fan_in_and_fan_out`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array, or of a dtype outside the array API; ``gain`` is not a real number.
    ValueError
        ``x`` has fewer than 3 axes, or more than 3 kernel axes; ``groups`` or ``layout`` does not fit it; a
        gain that is not finite, or does not fit the dtype; a read-only ``x``.

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
    if wrong:
        raise misnamed(dirac_, wrong)
    value = _rounded(x, gain)
    shape = tuple(x.shape)
    if len(shape) < 3 or len(parse(layout, shape).kernel) > 3:
        raise ValueError(
            f"dirac_ needs a kernel of 3 axes or more, 3 of them kernel axes at the most, "
            f"got x of shape {shape} with layout {shown(layout)}"
        )
    return _identity(x, value, layout, groups)


def _rounded(x: Array, gain: float) -> complex:
    """Return the gain as ``x`` holds it; libraries round to 16 bits by way of float32, and so twice."""
    dtype = backend_of(x).dtype(x)
    if dtype not in FORMATS:
        finite("gain", gain)
        return fill_value(dtype, gain, "gain")
    form = FORMATS[dtype]
    value = fitting_gain(form, gain)
    return form.rounded(value) if form.is_narrow else value


def _identity(x: Array, value: complex, layout: str, groups: int) -> Array:
    """Set output feature i of each group to ``value`` times its input feature i, at the centre of the kernel."""
    shape = tuple(x.shape)
    axes = parse(layout, shape)
    outputs, _, _ = axes.sizes(shape)
    return write(x, Identity(shape, axes, per_group(outputs, groups), value))
