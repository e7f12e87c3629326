"""variance_scaling_, lecun_uniform_, lecun_normal_: a factor of the variance, as in JAX and Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Unpack

from arrayinit.backends.protocol import Array
from arrayinit.core import scales
from arrayinit.core.distributions import Normal, RealDistribution, TruncatedNormal, Uniform
from arrayinit.core.keywords import misnamed
from arrayinit.core.layouts import DEFAULT
from arrayinit.core.numbers import shown
from arrayinit.core.scales import Mode
from arrayinit.initializers.fill import draw, fans_of
from arrayinit.values import Initializer, initializer, value_of

if TYPE_CHECKING:
    from arrayinit.values.types import NoMore, Rng

DistributionName = Literal["normal", "truncated_normal", "uniform"]


@initializer(lambda v, by, scale, **_: v.replace(scale=by(by(scale))))
def variance_scaling_(
    x: Array,
    scale: float = 1.0,
    mode: Mode = "fan_in",
    distribution: DistributionName = "truncated_normal",
    rng: Rng = None,
    *,
    layout: str = DEFAULT,
    groups: int = 1,
    **wrong: Unpack[NoMore],
) -> Array:
    r"""Fill ``x`` with draws of mean 0 and variance scale / fan.

    .. math::
        \text{Var}(w) = \frac{\text{scale}}{n}, \qquad n \in \left\{\text{fan\_in},\ \text{fan\_out},\
        \tfrac12(\text{fan\_in} + \text{fan\_out}),\ \sqrt{\text{fan\_in} \cdot \text{fan\_out}}\right\}

    He's initialization has scale 2 and ``fan_in``, Glorot's scale 1 and ``fan_avg``, LeCun's scale 1 and ``fan_in``.

    Parameters
    ----------
    x
        Array of a shape that ``layout`` fits, real or complex floating point. Complex draws are circular, with
        :math:`E|w|^2 = \text{scale} / n`.
    scale
        Factor of the variance, above 0.
    mode
        The fan to divide by: ``fan_in``, ``fan_out``, ``fan_avg`` or ``fan_geo_avg``.
    distribution
        ``"normal"`` is not truncated. ``"uniform"`` has the bound :math:`\sqrt{3 \cdot \text{scale} / n}`.
        ``"truncated_normal"`` starts from the standard deviation :math:`s = \sqrt{\text{scale} / n} / 0.8796`, and is
        truncated to :math:`[-2s, 2s]`, which gives the stated variance. For a complex ``x``, ``"uniform"`` is a disk of
        radius :math:`\sqrt{2 \cdot \text{scale} / n}`, and ``"truncated_normal"`` truncates the modulus, with 0.9620 in
        place of 0.8796.
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
        ``scale <= 0``; an unknown mode or distribution; ``layout`` or ``groups`` does not fit ``x``; a negative seed;
        a read-only ``x``.

    Notes
    -----
    A JAX key gives the values of `jax.nn.initializers.variance_scaling`, in float32 and float64. The exception is
    ``fan_geo_avg`` in float64: the last bit may differ, since JAX computes a power and this function an exact square
    root. Keras has ``untruncated_normal`` for ``normal`` here. For truncated complex draws JAX divides by 0.9531: its
    variance is 1.9 % too large. This function has the stated variance.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> w = arrayinit.variance_scaling_(np.empty((200, 100)), 2.0, rng=3)
    >>> round(float(w.std() / (2 / 100) ** 0.5), 2)
    1.0
    >>> bool(abs(w).max() <= 2 * (2 / 100) ** 0.5 / 0.8796)
    True

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet
    Classification", 2015. X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010.
    """
    if wrong:
        raise misnamed(variance_scaling_, wrong)
    return draw(x, rng, layout, _variance_scaling, layout, groups, scale, mode, distribution)


def _variance_scaling(
    x: Array, layout: str, groups: int, scale: float, mode: Mode, distribution: DistributionName
) -> RealDistribution:
    return _scaled(distribution)(*scales.variance_scaling(*fans_of(x, layout, groups), scale, mode))


variance_scaling = value_of(variance_scaling_)


@initializer(lambda _, by, **kept: Initializer(variance_scaling_, by(by(1.0)), distribution="uniform", **kept))
def lecun_uniform_(
    x: Array, rng: Rng = None, *, layout: str = DEFAULT, groups: int = 1, **wrong: Unpack[NoMore]
) -> Array:
    r"""Fill ``x`` with LeCun uniform draws, on (-bound, bound).

    .. math::
        w \sim \mathcal{U}(-\text{bound}, \text{bound}), \qquad
        \text{bound} = \sqrt{3}\,\text{std}, \qquad \text{std} = \frac{1}{\sqrt{\text{fan\_in}}}

    Parameters
    ----------
    x
        Array of a shape that ``layout`` fits, real or complex floating point. Complex draws are uniform on a disk
        around 0, with the same variance :math:`E|w|^2 = \text{std}^2`.
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
        ``layout`` or ``groups`` does not fit ``x``; a negative seed; a read-only ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> w = arrayinit.lecun_uniform_(np.empty((200, 100)), rng=0)
    >>> bool(abs(w).max() < (3 / 100) ** 0.5)
    True

    References
    ----------
    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient BackProp", 1998.
    """
    if wrong:
        raise misnamed(lecun_uniform_, wrong)
    return draw(x, rng, layout, _lecun_uniform, layout, groups)


def _lecun_uniform(x: Array, layout: str, groups: int) -> Uniform:
    return Uniform.scaled(*scales.variance_scaling(*fans_of(x, layout, groups), 1.0, "fan_in"))


lecun_uniform = value_of(lecun_uniform_)


@initializer(lambda _, by, **kept: Initializer(variance_scaling_, by(by(1.0)), **kept))
def lecun_normal_(
    x: Array, rng: Rng = None, *, layout: str = DEFAULT, groups: int = 1, **wrong: Unpack[NoMore]
) -> Array:
    r"""Fill ``x`` with LeCun normal draws, of mean 0, truncated as in JAX and Keras.

    .. math::
        \text{std} = \frac{1}{\sqrt{\text{fan\_in}}}

    The draws start from the standard deviation :math:`s = \text{std} / 0.8796` and are truncated to :math:`[-2s, 2s]`.
    They then have the standard deviation std. Without the truncation, call
    ``kaiming_normal_(x, nonlinearity="linear")``.

    Parameters
    ----------
    x
        Array of a shape that ``layout`` fits, real or complex floating point. Complex draws are circular, with
        :math:`E|w|^2 = \text{std}^2` and a truncated modulus.
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
        ``layout`` or ``groups`` does not fit ``x``; a negative seed; a read-only ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> w = arrayinit.lecun_normal_(np.empty((200, 100)), rng=3)
    >>> round(float(w.std() / (1 / 100) ** 0.5), 2)
    1.0

    References
    ----------
    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient BackProp", 1998. G. Klambauer, T. Unterthiner, A. Mayr,
    S. Hochreiter, "Self-Normalizing Neural Networks", 2017.
    """
    if wrong:
        raise misnamed(lecun_normal_, wrong)
    return draw(x, rng, layout, _lecun_normal, layout, groups)


def _lecun_normal(x: Array, layout: str, groups: int) -> TruncatedNormal:
    return TruncatedNormal.scaled(*scales.variance_scaling(*fans_of(x, layout, groups), 1.0, "fan_in"))


lecun_normal = value_of(lecun_normal_)


def _scaled(distribution: DistributionName) -> Callable[[float, float], RealDistribution]:
    """Return the function that makes the distribution from a std and its square."""
    for name, made in (("normal", Normal), ("truncated_normal", TruncatedNormal), ("uniform", Uniform)):
        if isinstance(distribution, str) and distribution == name:
            return made.scaled
    raise ValueError(f"distribution must be one of normal, truncated_normal, uniform; got {shown(distribution)}")
