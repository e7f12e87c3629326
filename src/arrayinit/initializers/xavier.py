"""xavier_uniform_, xavier_normal_: the mean of both fans sets the scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from arrayinit.backends.protocol import Array
from arrayinit.core.distributions import Normal, Uniform
from arrayinit.core.keywords import misnamed
from arrayinit.core.layouts import DEFAULT
from arrayinit.core.scales import xavier
from arrayinit.initializers.fill import draw, fans_of
from arrayinit.values import initializer, value_of

if TYPE_CHECKING:
    from arrayinit.values.types import NoMore, Rng


@initializer(lambda v, by, gain, **_: v.replace(gain=abs(by(gain))))
def xavier_uniform_(
    x: Array, gain: float = 1.0, rng: Rng = None, *, layout: str = DEFAULT, groups: int = 1, **wrong: Unpack[NoMore]
) -> Array:
    r"""Fill ``x`` with Xavier uniform draws, on (-bound, bound). Also known as Glorot uniform.

    .. math::
        w \sim \mathcal{U}(-\text{bound}, \text{bound}), \qquad \text{bound} = \sqrt{3}\,\text{std}, \qquad
        \text{std} = \text{gain} \sqrt{\frac{2}{\text{fan\_in} + \text{fan\_out}}}

    Parameters
    ----------
    x
        Array of a shape that ``layout`` fits, real or complex floating point. Complex draws are uniform on a disk
        around 0, with the same variance :math:`E|w|^2 = \text{std}^2`.
    gain
        Factor, at least 0; see `calculate_gain`.
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
        ``layout`` or ``groups`` does not fit ``x``; ``gain < 0``; a negative seed; a read-only ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> w = arrayinit.xavier_uniform_(np.empty((200, 100)), rng=np.random.default_rng(0))
    >>> bool(abs(w).max() < (6 / 300) ** 0.5)
    True

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    if wrong:
        raise misnamed(xavier_uniform_, wrong)
    return draw(x, rng, layout, _uniform, layout, groups, gain)


def _uniform(x: Array, layout: str, groups: int, gain: float) -> Uniform:
    return Uniform.scaled(*xavier(*fans_of(x, layout, groups), gain))


xavier_uniform = value_of(xavier_uniform_)


@initializer(lambda v, by, gain, **_: v.replace(gain=abs(by(gain))))
def xavier_normal_(
    x: Array, gain: float = 1.0, rng: Rng = None, *, layout: str = DEFAULT, groups: int = 1, **wrong: Unpack[NoMore]
) -> Array:
    r"""Fill ``x`` with Xavier normal draws, of mean 0, not truncated. Also known as Glorot normal.

    .. math::
        w \sim \mathcal{N}(0, \text{std}^2), \qquad
        \text{std} = \text{gain} \sqrt{\frac{2}{\text{fan\_in} + \text{fan\_out}}}

    Parameters
    ----------
    x
        Array of a shape that ``layout`` fits, real or complex floating point. Complex draws are circular, with
        :math:`E|w|^2 = \text{std}^2`.
    gain
        Factor, at least 0; see `calculate_gain`.
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
        ``layout`` or ``groups`` does not fit ``x``; ``gain < 0``; a negative seed; a read-only ``x``.

    Notes
    -----
    Keras and JAX truncate their ``glorot_normal``; torch and this function do not.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> w = arrayinit.xavier_normal_(np.empty((200, 100)), rng=np.random.default_rng(0))
    >>> round(float(w.std() / (2 / 300) ** 0.5), 2)
    1.0

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    if wrong:
        raise misnamed(xavier_normal_, wrong)
    return draw(x, rng, layout, _normal, layout, groups, gain)


def _normal(x: Array, layout: str, groups: int, gain: float) -> Normal:
    return Normal.scaled(*xavier(*fans_of(x, layout, groups), gain))


xavier_normal = value_of(xavier_normal_)
