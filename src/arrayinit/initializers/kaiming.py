"""kaiming_uniform_, kaiming_normal_: the scale follows from one fan and the nonlinearity."""

from __future__ import annotations

from typing import Any, Never

from arrayinit.backends.protocol import Array
from arrayinit.core.distributions import Normal, Uniform
from arrayinit.core.fans import Mode
from arrayinit.core.gains import Nonlinearity
from arrayinit.core.layouts import DEFAULT
from arrayinit.core.scales import kaiming
from arrayinit.initializers.fill import draw, fans_of
from arrayinit.initializers.keywords import misnamed, public


@public
def kaiming_uniform_(
    x: Array,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: Nonlinearity | float = "leaky_relu",
    rng: Any = None,
    *,
    layout: str = DEFAULT,
    groups: int = 1,
    **wrong: Never,
) -> Array:
    r"""Fill ``x`` with draws from :math:`\mathcal{U}(-\text{bound}, \text{bound})`, also known as He uniform.

    .. math::
        \text{bound} = \sqrt{3}\,\text{std}, \qquad \text{std} = \frac{\text{gain}}{\sqrt{\text{fan}}}

    Parameters
    ----------
    x
        Array of a shape that ``layout`` fits, real or complex floating point. Complex draws are uniform on the disk
        of the same variance :math:`E|w|^2 = \text{std}^2`.
    a
        Negative slope of the rectifier after this layer; used with ``leaky_relu`` only.
    mode
        The fan to divide by: ``fan_in`` keeps the variance in the forward pass, ``fan_out`` in the backward pass,
        ``fan_avg`` and ``fan_geo_avg`` are their arithmetic and geometric mean.
    nonlinearity
        Name of the function after this layer, which gives the gain; see `calculate_gain`. Or a number, the gain itself,
        as for ``gelu`` and ``silu``, on which no table agrees.
    rng
        None for the default of the library of ``x``, its own generator, a `numpy.random.Generator`, or a seed, which
        gives the same bits on every library: an integer, integers or a `numpy.random.SeedSequence`; see `fold_in`.
    layout, groups
        What each axis of ``x`` is, and the groups of a convolution; see `calculate_fan_in_and_fan_out`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array or not floating point; ``rng`` is of another kind.
    ValueError
        ``layout`` or ``groups`` does not fit ``x``; an unknown mode or nonlinearity; a negative gain; a slope that
        is not a finite number; a negative seed; a read-only ``x``.

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
    return draw(x, Uniform.scaled(*kaiming(*fans_of(x, layout, groups), a, mode, nonlinearity)), rng, layout)


@public
def kaiming_normal_(
    x: Array,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: Nonlinearity | float = "leaky_relu",
    rng: Any = None,
    *,
    layout: str = DEFAULT,
    groups: int = 1,
    **wrong: Never,
) -> Array:
    r"""Fill ``x`` with draws from :math:`\mathcal{N}(0, \text{std}^2)`, also known as He normal; not truncated.

    .. math::
        \text{std} = \frac{\text{gain}}{\sqrt{\text{fan}}}

    Parameters
    ----------
    x
        Array of a shape that ``layout`` fits, real or complex floating point. Complex draws are circular, with
        :math:`E|w|^2 = \text{std}^2`.
    a
        Negative slope of the rectifier after this layer; used with ``leaky_relu`` only.
    mode
        The fan to divide by: ``fan_in`` keeps the variance in the forward pass, ``fan_out`` in the backward pass,
        ``fan_avg`` and ``fan_geo_avg`` are their arithmetic and geometric mean.
    nonlinearity
        Name of the function after this layer, which gives the gain; see `calculate_gain`. Or a number, the gain itself,
        as for ``gelu`` and ``silu``, on which no table agrees.
    rng
        None for the default of the library of ``x``, its own generator, a `numpy.random.Generator`, or a seed, which
        gives the same bits on every library: an integer, integers or a `numpy.random.SeedSequence`; see `fold_in`.
    layout, groups
        What each axis of ``x`` is, and the groups of a convolution; see `calculate_fan_in_and_fan_out`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array or not floating point; ``rng`` is of another kind.
    ValueError
        ``layout`` or ``groups`` does not fit ``x``; an unknown mode or nonlinearity; a negative gain; a slope that
        is not a finite number; a negative seed; a read-only ``x``.

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
    return draw(x, Normal.scaled(*kaiming(*fans_of(x, layout, groups), a, mode, nonlinearity)), rng, layout)
