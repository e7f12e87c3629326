"""eye_, dirac_: each output feature copies one input feature; no random numbers, any dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.dtypes import FORMATS, fill_value, fitting_gain
from arrayinit.core.keywords import misnamed
from arrayinit.core.layouts import DEFAULT, parse, per_group
from arrayinit.core.numbers import finite, shown
from arrayinit.initializers.fill import write
from arrayinit.kernels.fill import Identity
from arrayinit.values import initializer, value_of

if TYPE_CHECKING:
    from arrayinit.values.types import NoMore


@initializer(lambda v, by, gain, **_: v.replace(gain=by(gain)))
def eye_(x: Array, *, gain: float = 1.0, layout: str = DEFAULT, **wrong: Unpack[NoMore]) -> Array:
    r"""Fill the matrix ``x`` with the identity, times ``gain``: ``gain`` on the diagonal, 0 elsewhere.

    .. math::
        W_{oi} = \text{gain} \cdot [o = i]

    A linear layer with these weights copies its inputs to its outputs, as many as fit.

    Parameters
    ----------
    x
        Array of shape (rows, columns), any dtype. With a ``layout``, it may have several axes of output or input
        features, which are flattened, and batch axes: each weight of the batch gets its own identity.
    gain
        Finite factor, rounded once to the dtype. For an integer array, its fraction is cut off, as in `constant_`.
    layout
        The meaning of each axis of ``x``, without kernel axes; see `calculate_fan_in_and_fan_out`.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX, Dask and TensorFlow's tensors, a new array with the same shape, dtype, and
        sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array, or its dtype is not supported; ``gain`` is not a real number.
    ValueError
        ``x`` has fewer than 2 axes, or a kernel axis; ``layout`` does not fit ``x``; ``gain`` is not finite, or does
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


eye = value_of(eye_)


@initializer(lambda v, by, gain, **_: v.replace(gain=by(gain)), axes=3)
def dirac_(x: Array, groups: int = 1, *, gain: float = 1.0, layout: str = DEFAULT, **wrong: Unpack[NoMore]) -> Array:
    r"""Fill the convolution kernel ``x`` with the Dirac delta: ``gain`` at the centre from input i to output i, else 0.

    .. math::
        W_{oik} = \text{gain} \cdot [o = i] \, [k = \text{centre}]

    The centre of an axis of size k is at ``k // 2``. With padding of half the kernel, a convolution with these weights
    copies its input channels to its output channels, as many as fit. With groups, each group copies its own channels.

    Parameters
    ----------
    x
        Array of 3 axes or more, with at most 3 kernel axes, any dtype. With the default layout: 3, 4 or 5 axes.
    groups
        Number of groups of the convolution, at least 1. It must divide the number of output features of ``x``.
    gain
        Finite factor, rounded once to the dtype. For an integer array, its fraction is cut off, as in `constant_`.
    layout
        The meaning of each axis of ``x``; see `calculate_fan_in_and_fan_out`.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX, Dask and TensorFlow's tensors, a new array with the same shape, dtype, and
        sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array, or its dtype is not supported; ``gain`` is not a real number.
    ValueError
        ``x`` has fewer than 3 axes, or more than 3 kernel axes; ``groups`` or ``layout`` does not fit ``x``; ``gain``
        is not finite, or does not fit the dtype; a read-only ``x``.

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


dirac = value_of(dirac_)


def _rounded(x: Array, gain: float) -> complex:
    """Return the gain as ``x`` holds it; libraries round to narrow dtypes by way of float32, and so twice."""
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
