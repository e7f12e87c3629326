"""xavier_*, kaiming_*: the scale follows from the fans, which the layout and the shape give."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.distributions import Normal, Uniform
from arrayinit.core.fans import Mode, fans
from arrayinit.core.gains import Nonlinearity
from arrayinit.core.layouts import DEFAULT
from arrayinit.core.scales import kaiming, xavier
from arrayinit.initializers.drawing import draw


def calculate_fan_in_and_fan_out(
    x: Array | Sequence[int], *, layout: str = DEFAULT, groups: int = 1
) -> tuple[int, int]:
    r"""Return the number of inputs to each output of the layer, and of outputs from each input.

    .. math::
        \text{fan\_in} = \prod_I n_I \prod_K n_K, \qquad
        \text{fan\_out} = \frac{1}{\text{groups}} \prod_O n_O \prod_K n_K,

    the products over the input, output and kernel axes that ``layout`` names.

    Parameters
    ----------
    x
        An array, or its shape.
    layout
        One letter an axis: ``O`` output features, ``I`` input features, ``B`` a batch of independent weights, any
        other letter a kernel axis, ``...`` any number of kernel axes. ``"OI..."`` is torch's Linear and Conv, ``"IO..."``
        a transposed convolution, ``"...IO"`` a Keras or Flax kernel, ``"O...I"`` MLX, ``"IOO"`` an attention kernel
        (embed, heads, head_dim), ``"BIO"`` stacked experts.
    groups
        Number of groups of the convolution. It divides the fan out; a grouped weight already shows its fan in.

    Returns
    -------
    tuple of int
        fan_in and fan_out.

    Raises
    ------
    TypeError
        ``x`` is neither an array nor a shape.
    ValueError
        ``layout`` or ``groups`` does not fit the shape.

    Examples
    --------
    >>> import arrayinit
    >>> arrayinit.calculate_fan_in_and_fan_out((64, 16, 3, 3), groups=4)
    (144, 144)
    >>> arrayinit.calculate_fan_in_and_fan_out((3, 3, 16, 64), layout="...IO")
    (144, 576)

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    shape = x if isinstance(x, (tuple, list)) else getattr(backend_of(x) and x, "shape")
    return fans(shape, layout, groups)


def xavier_uniform_(
    x: Array, gain: float = 1.0, *, layout: str = DEFAULT, groups: int = 1, rng: Any = None
) -> Array:
    r"""Fill ``x`` with draws from :math:`\mathcal{U}(-\text{bound}, \text{bound})`, also known as Glorot uniform.

    .. math::
        \text{bound} = \sqrt{3}\,\text{std}, \qquad
        \text{std} = \text{gain} \sqrt{\frac{2}{\text{fan\_in} + \text{fan\_out}}}

    Parameters
    ----------
    x
        Array of a shape that ``layout`` fits, real or complex floating point. Complex draws are uniform on the disk
        of the same variance :math:`E|w|^2 = \text{std}^2`.
    gain
        Factor, at least 0; see `calculate_gain`.
    layout, groups
        What each axis of ``x`` is, and the groups of a convolution; see `calculate_fan_in_and_fan_out`.
    rng
        None for the default of the library of ``x``, its own generator, or a `numpy.random.Generator`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX a new array of the same shape, dtype and sharding.

    Raises
    ------
    TypeError
        ``x`` is not an array or not floating point; ``rng`` is of another kind.
    ValueError
        ``layout`` or ``groups`` does not fit ``x``; ``gain < 0``; a read-only ``x``.

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
    return draw(x, Uniform.scaled(*xavier(*_fans(x, layout, groups), gain)), rng)


def xavier_normal_(
    x: Array, gain: float = 1.0, *, layout: str = DEFAULT, groups: int = 1, rng: Any = None
) -> Array:
    r"""Fill ``x`` with draws from :math:`\mathcal{N}(0, \text{std}^2)`, also known as Glorot normal; not truncated.

    .. math::
        \text{std} = \text{gain} \sqrt{\frac{2}{\text{fan\_in} + \text{fan\_out}}}

    Parameters
    ----------
    x
        Array of a shape that ``layout`` fits, real or complex floating point. Complex draws are circular, with
        :math:`E|w|^2 = \text{std}^2`.
    gain
        Factor, at least 0; see `calculate_gain`.
    layout, groups
        What each axis of ``x`` is, and the groups of a convolution; see `calculate_fan_in_and_fan_out`.
    rng
        None for the default of the library of ``x``, its own generator, or a `numpy.random.Generator`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX a new array of the same shape, dtype and sharding.

    Raises
    ------
    TypeError
        ``x`` is not an array or not floating point; ``rng`` is of another kind.
    ValueError
        ``layout`` or ``groups`` does not fit ``x``; ``gain < 0``; a read-only ``x``.

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
    return draw(x, Normal.scaled(*xavier(*_fans(x, layout, groups), gain)), rng)


def kaiming_uniform_(
    x: Array,
    a: float = 0,
    mode: Mode = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    *,
    layout: str = DEFAULT,
    groups: int = 1,
    rng: Any = None,
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
        Name of the function after this layer, which gives the gain; see `calculate_gain`.
    layout, groups
        What each axis of ``x`` is, and the groups of a convolution; see `calculate_fan_in_and_fan_out`.
    rng
        None for the default of the library of ``x``, its own generator, or a `numpy.random.Generator`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX a new array of the same shape, dtype and sharding.

    Raises
    ------
    TypeError
        ``x`` is not an array or not floating point; ``rng`` is of another kind.
    ValueError
        ``layout`` or ``groups`` does not fit ``x``; an unknown mode or nonlinearity; a slope that is not a finite
        number; a read-only ``x``.

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
    return draw(x, Uniform.scaled(*kaiming(*_fans(x, layout, groups), a, mode, nonlinearity)), rng)


def kaiming_normal_(
    x: Array,
    a: float = 0,
    mode: Mode = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    *,
    layout: str = DEFAULT,
    groups: int = 1,
    rng: Any = None,
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
        Name of the function after this layer, which gives the gain; see `calculate_gain`.
    layout, groups
        What each axis of ``x`` is, and the groups of a convolution; see `calculate_fan_in_and_fan_out`.
    rng
        None for the default of the library of ``x``, its own generator, or a `numpy.random.Generator`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX a new array of the same shape, dtype and sharding.

    Raises
    ------
    TypeError
        ``x`` is not an array or not floating point; ``rng`` is of another kind.
    ValueError
        ``layout`` or ``groups`` does not fit ``x``; an unknown mode or nonlinearity; a slope that is not a finite
        number; a read-only ``x``.

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
    return draw(x, Normal.scaled(*kaiming(*_fans(x, layout, groups), a, mode, nonlinearity)), rng)


def _fans(x: Array, layout: str, groups: int) -> tuple[int, int]:
    backend_of(x)
    if 0 in x.shape:
        # As torch: any fans will do where nothing is drawn.
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return 1, 1
    return fans(x.shape, layout, groups)
