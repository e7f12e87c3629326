"""uniform_, normal_, trunc_normal_: the caller gives the parameters of the distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from arrayinit.backends.protocol import Array
from arrayinit.core.distributions import Normal, TruncatedNormal, Uniform
from arrayinit.core.keywords import misnamed
from arrayinit.initializers.fill import check_layout, draw
from arrayinit.values import initializer, value_of
from arrayinit.values.definitions import Number

if TYPE_CHECKING:
    from arrayinit.values.types import NoMore, Rng


def _bounds(by: Number, a: float, b: float) -> dict[str, float]:
    """Return the scaled bounds; a negative factor turns the interval round."""
    low, high = sorted((by(a), by(b)))
    return {"a": low, "b": high}


@initializer(lambda v, by, a, b, **_: v.replace(**_bounds(by, a, b)))
def uniform_(
    x: Array, a: float = 0.0, b: float = 1.0, rng: Rng = None, *, layout: str | None = None, **wrong: Unpack[NoMore]
) -> Array:
    r"""Fill ``x`` with draws from the uniform distribution on [a, b).

    .. math::
        w \sim \mathcal{U}(a, b)

    Parameters
    ----------
    x
        Array of any shape, real or complex floating point.
    a, b
        Finite bounds, ``a <= b``. float32 and float64 draws lie in ``[a, b)``, draws of 16 and 8 bits in ``[a, b]``.
        Complex draws are uniform on the disk whose diameter is the interval. Around its centre
        :math:`c = (a + b) / 2` they have the variance :math:`E|w - c|^2 = (b - a)^2 / 8`.
    rng
        A seed gives the same bits on every library: an integer, a sequence of integers or a
        `numpy.random.SeedSequence`; see `fold_in`. A generator draws in its own order: a generator of the library of
        ``x``, or a `numpy.random.Generator`. None uses the default of the library: its global generator, or fresh
        entropy.
    layout
        The meaning of each axis of ``x``; see `calculate_fan_in_and_fan_out`. It only sets the order of a seed's draws:
        the same weight in another layout gets the same numbers, permuted. None is the order of the axes of ``x``.

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
        ``a > b``; a bound that is not finite or does not fit the dtype; ``layout`` does not fit ``x``; a negative seed;
        a read-only ``x``.

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
    return draw(x, rng, layout, _uniform, layout, a, b)


def _uniform(x: Array, layout: str | None, a: float, b: float) -> Uniform:
    check_layout(x, layout)
    return Uniform.between(a, b)


uniform = value_of(uniform_)


@initializer(lambda v, by, mean, std, **_: v.replace(mean=by(mean), std=abs(by(std))))
def normal_(
    x: Array,
    mean: float = 0.0,
    std: float = 1.0,
    rng: Rng = None,
    *,
    layout: str | None = None,
    **wrong: Unpack[NoMore],
) -> Array:
    r"""Fill ``x`` with draws from the normal distribution of the given mean and standard deviation.

    .. math::
        w \sim \mathcal{N}(\text{mean}, \text{std}^2)

    Parameters
    ----------
    x
        Array of any shape, real or complex floating point.
    mean, std
        Finite mean, and finite standard deviation of at least 0. Complex draws are circular around the mean: the real
        and the imaginary part each have the variance :math:`\text{std}^2 / 2`.
    rng
        A seed gives the same bits on every library: an integer, a sequence of integers or a
        `numpy.random.SeedSequence`; see `fold_in`. A generator draws in its own order: a generator of the library of
        ``x``, or a `numpy.random.Generator`. None uses the default of the library: its global generator, or fresh
        entropy.
    layout
        The meaning of each axis of ``x``; see `calculate_fan_in_and_fan_out`. It only sets the order of a seed's draws:
        the same weight in another layout gets the same numbers, permuted. None is the order of the axes of ``x``.

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
        ``std < 0``; a mean or std that is not finite; ``layout`` does not fit ``x``; a negative seed; a read-only
        ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> arrayinit.normal_(np.empty((2, 2)), std=0.02, rng=np.random.default_rng(0)).round(4)
    array([[ 0.0025, -0.0026],
           [ 0.0128,  0.0021]])

    Notes
    -----
    From a seed, each draw is :math:`\text{mean} + \text{std} \cdot \Phi^{-1}(u)` of one uniform number :math:`u`, where
    :math:`\Phi` is the normal CDF.

    References
    ----------
    L. Devroye, "Non-Uniform Random Variate Generation", 1986. M. J. Wichura, "Algorithm AS 241: The Percentage Points
    of the Normal Distribution", 1988.
    """
    if wrong:
        raise misnamed(normal_, wrong)
    return draw(x, rng, layout, _normal, layout, mean, std)


def _normal(x: Array, layout: str | None, mean: float, std: float) -> Normal:
    check_layout(x, layout)
    return Normal.of(mean, std)


normal = value_of(normal_)


@initializer(lambda v, by, mean, std, a, b, **_: v.replace(mean=by(mean), std=abs(by(std)), **_bounds(by, a, b)))
def trunc_normal_(
    x: Array,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    rng: Rng = None,
    *,
    layout: str | None = None,
    **wrong: Unpack[NoMore],
) -> Array:
    r"""Fill ``x`` with draws from a normal distribution, truncated to [a, b].

    Each draw maps one uniform number :math:`u` through the inverse of the normal CDF :math:`\Phi`:

    .. math::
        w = \text{mean} + \text{std} \cdot
            \Phi^{-1}\left(\Phi(\alpha) + u\,(\Phi(\beta) - \Phi(\alpha))\right), \quad
        \alpha = \frac{a - \text{mean}}{\text{std}},\ \beta = \frac{b - \text{mean}}{\text{std}}.

    No draw is rejected, for any bounds. Bounds far from the mean use the tail of the CDF, on a logarithmic scale.

    Parameters
    ----------
    x
        Array of any shape, real floating point.
    mean, std
        Finite mean and standard deviation before the truncation; ``std > 0``.
    a, b
        Absolute bounds, ``a <= b``, as in torch: not in units of ``std``. Bounds may be infinite.
    rng
        A seed gives the same bits on every library: an integer, a sequence of integers or a
        `numpy.random.SeedSequence`; see `fold_in`. A generator draws in its own order: a generator of the library of
        ``x``, or a `numpy.random.Generator`. None uses the default of the library: its global generator, or fresh
        entropy.
    layout
        The meaning of each axis of ``x``; see `calculate_fan_in_and_fan_out`. It only sets the order of a seed's draws:
        the same weight in another layout gets the same numbers, permuted. None is the order of the axes of ``x``.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX, Dask and TensorFlow's tensors, a new array with the same shape, dtype, and
        sharding or chunks.

    Raises
    ------
    TypeError
        ``x`` is not an array, or its dtype is complex or not floating point; ``rng`` is of another kind.
    ValueError
        ``std <= 0``; ``a > b``; a mean or std that is not finite; a bound that is NaN; ``layout`` does not fit ``x``; a
        negative seed; a read-only ``x``.

    Notes
    -----
    torch draws by rejection: with the same generator, its values differ from these; the distribution is the same.
    Keras and JAX truncate in units of ``std``. Their scaled initializers also divide ``std`` by 0.8796.

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
    return draw(x, rng, layout, _trunc_normal, layout, mean, std, a, b)


def _trunc_normal(x: Array, layout: str | None, mean: float, std: float, a: float, b: float) -> TruncatedNormal:
    check_layout(x, layout)
    return TruncatedNormal.between(mean, std, a, b)


trunc_normal = value_of(trunc_normal_)
