"""calculate_fan_in_and_fan_out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.keywords import misnamed, public
from arrayinit.core.layouts import DEFAULT, as_shape, fans

if TYPE_CHECKING:
    from arrayinit.values.types import NoMore


@public
def calculate_fan_in_and_fan_out(
    x: Array | Sequence[int], *, layout: str = DEFAULT, groups: int = 1, **wrong: Unpack[NoMore]
) -> tuple[int, int]:
    r"""Return (fan_in, fan_out): how many inputs reach each output, and how many outputs each input reaches.

    .. math::
        \text{fan\_in} = \prod_I n_I \prod_K n_K, \qquad
        \text{fan\_out} = \frac{1}{\text{groups}} \prod_O n_O \prod_K n_K,

    where the products run over the input (I), output (O) and kernel (K) axes that ``layout`` names.

    Parameters
    ----------
    x
        An array, or its shape.
    layout
        One letter for each axis. ``O`` means output features, ``I`` input features, ``B`` a batch of independent
        weights, any other letter a kernel axis, ``...`` any number of kernel axes. ``"OI..."`` is torch's Linear and
        Conv, ``"IO..."`` torch's transposed convolution, ``"...IO"`` a Keras or Flax kernel, ``"...OI"`` a Keras
        transposed convolution, ``"O...I"`` MLX, ``"IOO"`` an attention kernel (embed, heads, head_dim), ``"BIO"``
        stacked experts. Axes with the same letter are multiplied.
    groups
        Number of groups of the convolution. It divides fan_out only: the shape of a grouped weight already has the
        smaller number of inputs.

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
    if wrong:
        raise misnamed(calculate_fan_in_and_fan_out, wrong)
    if isinstance(x, (tuple, list)):
        return fans(as_shape(x), layout, groups)
    array: Array = x
    backend_of(array).dtype(array)
    return fans(array.shape, layout, groups)
