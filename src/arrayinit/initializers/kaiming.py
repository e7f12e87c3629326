"""kaiming_uniform_, kaiming_normal_: one fan and the nonlinearity set the scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from arrayinit.backends.protocol import Array
from arrayinit.core.distributions import Normal, Uniform
from arrayinit.core.keywords import misnamed
from arrayinit.core.layouts import DEFAULT
from arrayinit.core.scales import Mode, Nonlinearity, calculate_gain, kaiming
from arrayinit.initializers.fill import draw, fans_of
from arrayinit.values import Initializer, initializer, value_of
from arrayinit.values.definitions import Number

if TYPE_CHECKING:
    from arrayinit.values.types import NoMore, Rng


def _scaled(value: Initializer, by: Number, a: float, nonlinearity: Nonlinearity | float, **_: Any) -> Initializer:
    """Return the value with a number in place of the nonlinearity: its gain, scaled."""
    gain = calculate_gain(nonlinearity, a) if isinstance(nonlinearity, str) else nonlinearity
    return value.replace(a=0.0, nonlinearity=abs(by(gain)))


@initializer(_scaled)
def kaiming_uniform_(
    x: Array,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: Nonlinearity | float = "leaky_relu",
    rng: Rng = None,
    *,
    layout: str = DEFAULT,
    groups: int = 1,
    **wrong: Unpack[NoMore],
) -> Array:
    r"""Fill ``x`` with Kaiming uniform draws, on (-bound, bound). Also known as He uniform.

    .. math::
        w \sim \mathcal{U}(-\text{bound}, \text{bound}), \qquad
        \text{bound} = \sqrt{3}\,\text{std}, \qquad \text{std} = \frac{\text{gain}}{\sqrt{\text{fan}}}

    Parameters
    ----------
    x
        Array of a shape that ``layout`` fits, real or complex floating point. Complex draws are uniform on a disk
        around 0, with the same variance :math:`E|w|^2 = \text{std}^2`.
    a
        Negative slope of the ``leaky_relu`` after this layer. Other nonlinearities ignore it.
    mode
        The fan to divide by. ``fan_in`` keeps the variance in the forward pass, ``fan_out`` in the backward pass.
        ``fan_avg`` is the arithmetic mean of both fans, ``fan_geo_avg`` the geometric mean.
    nonlinearity
        Name of the function after this layer, which sets the gain; see `calculate_gain`. A number is the gain itself:
        pass a number for ``gelu`` and ``silu``, since no two tables agree on their gains.
    rng
        A seed gives the same bits on every library: an integer, a sequence of integers or a
        `numpy.random.SeedSequence`; see `fold_in`. A generator draws in its own order: a generator of the library of
        ``x``, or a `numpy.random.Generator`. None uses the default of the library: its global generator, or fresh
        entropy.
    layout, groups
        The meaning of each axis of ``x``, and the number of groups of a convolution; see
        `calculate_fan_in_and_fan_out`.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX, Dask and TensorFlow's tensors, a new array with the same shape, dtype, and
        sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array, or its dtype is not floating point; ``rng`` is of another kind.
    ValueError
        ``layout`` or ``groups`` does not fit ``x``; an unknown mode or nonlinearity; a negative gain; a slope that is
        not a finite number; a negative seed; a read-only ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> w = arrayinit.kaiming_uniform_(np.empty((200, 100)), nonlinearity="relu", rng=np.random.default_rng(0))
    >>> bool(abs(w).max() < (6 / 100) ** 0.5)
    True

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet
    Classification", 2015.
    """
    if wrong:
        raise misnamed(kaiming_uniform_, wrong)
    return draw(x, rng, layout, _uniform, layout, groups, a, mode, nonlinearity)


def _uniform(x: Array, layout: str, groups: int, *given: Any) -> Uniform:
    return Uniform.scaled(*kaiming(*fans_of(x, layout, groups), *given))


kaiming_uniform = value_of(kaiming_uniform_)


@initializer(_scaled)
def kaiming_normal_(
    x: Array,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: Nonlinearity | float = "leaky_relu",
    rng: Rng = None,
    *,
    layout: str = DEFAULT,
    groups: int = 1,
    **wrong: Unpack[NoMore],
) -> Array:
    r"""Fill ``x`` with Kaiming normal draws, of mean 0, not truncated. Also known as He normal.

    .. math::
        w \sim \mathcal{N}(0, \text{std}^2), \qquad \text{std} = \frac{\text{gain}}{\sqrt{\text{fan}}}

    Parameters
    ----------
    x
        Array of a shape that ``layout`` fits, real or complex floating point. Complex draws are circular, with
        :math:`E|w|^2 = \text{std}^2`.
    a
        Negative slope of the ``leaky_relu`` after this layer. Other nonlinearities ignore it.
    mode
        The fan to divide by. ``fan_in`` keeps the variance in the forward pass, ``fan_out`` in the backward pass.
        ``fan_avg`` is the arithmetic mean of both fans, ``fan_geo_avg`` the geometric mean.
    nonlinearity
        Name of the function after this layer, which sets the gain; see `calculate_gain`. A number is the gain itself:
        pass a number for ``gelu`` and ``silu``, since no two tables agree on their gains.
    rng
        A seed gives the same bits on every library: an integer, a sequence of integers or a
        `numpy.random.SeedSequence`; see `fold_in`. A generator draws in its own order: a generator of the library of
        ``x``, or a `numpy.random.Generator`. None uses the default of the library: its global generator, or fresh
        entropy.
    layout, groups
        The meaning of each axis of ``x``, and the number of groups of a convolution; see
        `calculate_fan_in_and_fan_out`.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX, Dask and TensorFlow's tensors, a new array with the same shape, dtype, and
        sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array, or its dtype is not floating point; ``rng`` is of another kind.
    ValueError
        ``layout`` or ``groups`` does not fit ``x``; an unknown mode or nonlinearity; a negative gain; a slope that is
        not a finite number; a negative seed; a read-only ``x``.

    Notes
    -----
    Keras and JAX truncate their ``he_normal``; torch and this function do not.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> w = arrayinit.kaiming_normal_(np.empty((200, 100)), mode="fan_out", rng=np.random.default_rng(0))
    >>> round(float(w.std() / (2 / 200) ** 0.5), 2)
    1.0

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet
    Classification", 2015.
    """
    if wrong:
        raise misnamed(kaiming_normal_, wrong)
    return draw(x, rng, layout, _normal, layout, groups, a, mode, nonlinearity)


def _normal(x: Array, layout: str, groups: int, *given: Any) -> Normal:
    return Normal.scaled(*kaiming(*fans_of(x, layout, groups), *given))


kaiming_normal = value_of(kaiming_normal_)
