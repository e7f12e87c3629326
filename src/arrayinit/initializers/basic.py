"""uniform_, normal_, trunc_normal_: the distribution is given by its own parameters."""

from __future__ import annotations

from typing import Any, Never

from arrayinit.backends.protocol import Array
from arrayinit.core.distributions import Normal, TruncatedNormal, Uniform
from arrayinit.initializers.fill import draw_in_order
from arrayinit.initializers.keywords import misnamed, public


@public
def uniform_(
    x: Array, a: float = 0.0, b: float = 1.0, rng: Any = None, *, layout: str | None = None, **wrong: Never
) -> Array:
    r"""Fill ``x`` with draws from the uniform distribution :math:`\mathcal{U}(a, b)`.

    Parameters
    ----------
    x
        Array of any shape, real or complex floating point.
    a, b
        Bounds, finite, ``a <= b``. float32 and float64 draws lie in ``[a, b)``, 16-bit ones in ``[a, b]``.
        Complex draws are uniform on the disk whose diameter is the interval: :math:`E|w - c|^2 = (b - a)^2 / 8`
        around its centre :math:`c = (a + b) / 2`.
    rng
        None for the default of the library of ``x``, its own generator, a `numpy.random.Generator`, or a seed, which
        gives the same bits on every library: an integer, integers or a `numpy.random.SeedSequence`; see `fold_in`.
    layout
        What each axis of ``x`` is; see `calculate_fan_in_and_fan_out`. It gives the order of a seed's draws, and
        nothing else: the same weight in another layout gets the same numbers, permuted. None: the order of ``x``.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array or not floating point; ``rng`` is of another kind.
    ValueError
        ``a > b``, bounds that are not finite or do not fit the dtype, a ``layout`` that does not fit ``x``, a negative
        seed, a read-only ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> arrayinit.uniform_(np.empty((2, 2)), -1.0, 1.0, rng=np.random.default_rng(0)).round(3)
    array([[ 0.274, -0.46 ],
           [-0.918, -0.967]])

    References
    ----------
    L. Devroye, "Non-Uniform Random Variate Generation", 1986.
    """
    if wrong:
        raise misnamed(uniform_, wrong)
    return draw_in_order(x, Uniform.between(a, b), rng, layout)


@public
def normal_(
    x: Array, mean: float = 0.0, std: float = 1.0, rng: Any = None, *, layout: str | None = None, **wrong: Never
) -> Array:
    r"""Fill ``x`` with draws from the normal distribution :math:`\mathcal{N}(\text{mean}, \text{std}^2)`.

    Parameters
    ----------
    x
        Array of any shape, real or complex floating point.
    mean, std
        Mean, finite, and standard deviation, finite and at least 0. Complex draws are circular around the mean:
        their real and imaginary parts have the variance :math:`\text{std}^2 / 2` each.
    rng
        None for the default of the library of ``x``, its own generator, a `numpy.random.Generator`, or a seed, which
        gives the same bits on every library: an integer, integers or a `numpy.random.SeedSequence`; see `fold_in`.
    layout
        What each axis of ``x`` is; see `calculate_fan_in_and_fan_out`. It gives the order of a seed's draws, and
        nothing else: the same weight in another layout gets the same numbers, permuted. None: the order of ``x``.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array or not floating point; ``rng`` is of another kind.
    ValueError
        ``std < 0``, moments that are not finite, a ``layout`` that does not fit ``x``, a negative
        seed, a read-only ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> arrayinit.normal_(np.empty((2, 2)), std=0.02, rng=np.random.default_rng(0)).round(4)
    array([[ 0.0025, -0.0026],
           [ 0.0128,  0.0021]])

    Notes
    -----
    A seed gives :math:`\text{mean} + \text{std} \cdot \Phi^{-1}(u)`, with one uniform number :math:`u` a draw.

    References
    ----------
    L. Devroye, "Non-Uniform Random Variate Generation", 1986. M. J. Wichura, "Algorithm AS 241: The Percentage Points
    of the Normal Distribution", 1988.
    """
    if wrong:
        raise misnamed(normal_, wrong)
    return draw_in_order(x, Normal.of(mean, std), rng, layout)


@public
def trunc_normal_(
    x: Array,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    rng: Any = None,
    *,
    layout: str | None = None,
    **wrong: Never,
) -> Array:
    r"""Fill ``x`` with draws from :math:`\mathcal{N}(\text{mean}, \text{std}^2)`, given that they lie in ``[a, b]``.

    One uniform number :math:`u` a draw, through the inverse of the normal CDF :math:`\Phi`,

    .. math::
        w = \text{mean} + \text{std} \cdot
            \Phi^{-1}\big(\Phi(\alpha) + u\,(\Phi(\beta) - \Phi(\alpha))\big), \quad
        \alpha = \frac{a - \text{mean}}{\text{std}},\ \beta = \frac{b - \text{mean}}{\text{std}},

    computed in the tail, and on a logarithmic scale, where the bounds are far out: no rejection, for any bounds.

    Parameters
    ----------
    x
        Array of any shape, real floating point.
    mean, std
        Mean and standard deviation before the truncation, finite; ``std > 0``.
    a, b
        Absolute bounds, as in torch and not in units of std; ``a <= b``, infinite ones included.
    rng
        None for the default of the library of ``x``, its own generator, a `numpy.random.Generator`, or a seed, which
        gives the same bits on every library: an integer, integers or a `numpy.random.SeedSequence`; see `fold_in`.
    layout
        What each axis of ``x`` is; see `calculate_fan_in_and_fan_out`. It gives the order of a seed's draws, and
        nothing else: the same weight in another layout gets the same numbers, permuted. None: the order of ``x``.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array, complex or not floating point; ``rng`` is of another kind.
    ValueError
        ``std <= 0``, ``a > b``, a mean that is not finite, NaN, a ``layout`` that does not fit ``x``, a negative
        seed, a read-only ``x``.

    Notes
    -----
    torch draws by rejection, so its values differ from these for the same generator; the distribution is the same.
    Keras and JAX truncate in units of std, and divide std by 0.8796 in their scaled initializers.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> arrayinit.trunc_normal_(np.empty(3), std=0.02, a=-0.04, b=0.04, rng=np.random.default_rng(0)).round(4)
    array([ 0.0067, -0.0116, -0.0308])

    References
    ----------
    M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", 1988.
    """
    if wrong:
        raise misnamed(trunc_normal_, wrong)
    return draw_in_order(x, TruncatedNormal.between(mean, std, a, b), rng, layout)
