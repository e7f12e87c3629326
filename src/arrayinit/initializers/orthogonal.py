"""orthogonal_, delta_orthogonal_: random matrices, uniform over all orthogonal matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.dtypes import fitting_gain, floating
from arrayinit.core.keywords import misnamed
from arrayinit.core.layouts import DEFAULT, Axes, parse
from arrayinit.initializers.fill import source_of, write
from arrayinit.stream.seed import Seed
from arrayinit.values import initializer, value_of

if TYPE_CHECKING:
    from arrayinit.values.types import NoMore, Rng


@initializer(lambda v, by, gain, **_: v.replace(gain=by(gain)))
def orthogonal_(x: Array, gain: float = 1, rng: Rng = None, *, layout: str = DEFAULT, **wrong: Unpack[NoMore]) -> Array:
    r"""Fill ``x`` with a random (semi-)orthogonal matrix; unitary if ``x`` is complex.

    The matrix is uniform over all (semi-)orthogonal matrices. It has one row for each output feature; the other axes
    of ``x`` are flattened into its columns. It is made from the QR decomposition of a standard normal matrix :math:`A`
    (of its transpose, if :math:`A` is wide). The signs of the diagonal of :math:`R` make :math:`Q` unique:

    .. math::
        A = QR, \qquad W = \text{gain} \cdot Q \operatorname{diag}(\operatorname{sign} R_{ii}).

    Parameters
    ----------
    x
        Array of 2 axes or more that ``layout`` fits, real or complex floating point. Dtypes of 16 and 8 bits are
        computed in float32. Each weight of a batch (``B`` in the layout) gets its own matrix.
    gain
        Finite factor.
    rng
        A seed gives the same matrix on every library, to a tolerance: an integer, a sequence of integers or a
        `numpy.random.SeedSequence`; see `fold_in`. A generator draws in its own order: a generator of the library of
        ``x``, or a `numpy.random.Generator`. None uses the default of the library: its global generator, or fresh
        entropy.
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
        ``x`` is not an array, or its dtype is not floating point; ``rng`` is of another kind.
    ValueError
        ``x`` has fewer than 2 axes; ``layout`` does not fit ``x``; ``gain`` is not finite; a negative seed; a read-only
        ``x``.

    Notes
    -----
    One seed gives the same matrix on every library to about 1e-6 in float32 and 1e-14 in float64: LAPACK
    implementations differ in the last bits.

    A JAX key gives the bits of `jax.nn.initializers.orthogonal` in float32 and float64, and torch's generator those of
    `torch.nn.init.orthogonal_`.

    float32 matrices are computed in float64, by matrix products, and are exact to the last digits in four cases: NumPy,
    CuPy, torch with a seed on a GPU, and JAX with a seed on a CPU outside of jit. All other cases use the library's own
    QR decomposition.

    If ``x`` is sharded over devices or processes, each process makes the whole matrix and keeps its shard.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> w = arrayinit.orthogonal_(np.empty((3, 5)), rng=np.random.default_rng(0))
    >>> bool(np.allclose(w @ w.T, np.eye(3)))
    True

    References
    ----------
    A. M. Saxe, J. L. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks", 2014. F. Mezzadri, "How to generate random matrices from the classical compact groups", 2007.
    """
    if wrong:
        raise misnamed(orthogonal_, wrong)
    gain = fitting_gain(floating(backend_of(x).dtype(x)), gain)
    shape = tuple(x.shape)
    if len(shape) < 2:
        raise ValueError(f"orthogonal_ needs x to have 2 axes or more, got shape {shape}")
    axes = parse(layout, shape)
    rows, inputs, kernel = axes.sizes(shape)
    matrices = (*(shape[i] for i in axes.batch), rows, inputs * kernel)
    return _orthogonal(x, rng, matrices, gain, axes, axes.inputs + axes.kernel, (slice(None),) * len(shape))


orthogonal = value_of(orthogonal_)


@initializer(lambda v, by, gain, **_: v.replace(gain=by(gain)), axes=3)
def delta_orthogonal_(
    x: Array, gain: float = 1.0, rng: Rng = None, *, layout: str = DEFAULT, **wrong: Unpack[NoMore]
) -> Array:
    r"""Fill the convolution kernel ``x`` with a semi-orthogonal matrix at its centre, and 0 elsewhere.

    .. math::
        W_{oik} = \text{gain} \cdot Q_{oi} \, [k = \text{centre}], \qquad Q^{H} Q = 1.

    :math:`Q` has one row for each output feature and one column for each input feature; see `orthogonal_`. The centre
    of an axis of size k is at ``(k - 1) // 2``, as in JAX. With circular padding, the convolution is an isometry.

    Parameters
    ----------
    x
        Array with 1 to 3 kernel axes, and at least as many output features as input features, real or complex floating
        point. Dtypes of 16 and 8 bits are computed in float32.
    gain
        Finite factor.
    rng
        A seed gives the same matrix on every library, to a tolerance: an integer, a sequence of integers or a
        `numpy.random.SeedSequence`; see `fold_in`. A generator draws in its own order: a generator of the library of
        ``x``, or a `numpy.random.Generator`. None uses the default of the library: its global generator, or fresh
        entropy.
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
        ``x`` is not an array, or its dtype is not floating point; ``rng`` is of another kind.
    ValueError
        ``x`` has no kernel axis, or more than 3; fewer output than input features; ``layout`` does not fit ``x``;
        ``gain`` is not finite; a negative seed; a read-only ``x``.

    Notes
    -----
    As in `orthogonal_`, one seed gives the same kernel on every library to a tolerance only. If ``x`` is sharded, each
    process makes the whole matrix and keeps its shard.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> w = arrayinit.delta_orthogonal_(np.empty((5, 4, 3, 3)), rng=0)
    >>> bool(np.allclose(w[:, :, 1, 1].T @ w[:, :, 1, 1], np.eye(4)))
    True
    >>> int(np.count_nonzero(w))
    20

    References
    ----------
    L. Xiao, Y. Bahri, J. Sohl-Dickstein, S. S. Schoenholz, J. Pennington, "Dynamical Isometry and a Mean Field Theory
    of CNNs: How to Train 10,000-Layer Vanilla Convolutional Neural Networks", 2018.
    """
    if wrong:
        raise misnamed(delta_orthogonal_, wrong)
    gain = fitting_gain(floating(backend_of(x).dtype(x)), gain)
    shape = tuple(x.shape)
    axes = parse(layout, shape)
    if not 1 <= len(axes.kernel) <= 3:
        raise ValueError(
            f"delta_orthogonal_ needs 1 to 3 kernel axes, got x of shape {shape} with layout {layout!r}; "
            "without any it is orthogonal_"
        )
    outputs, inputs, _ = axes.sizes(shape)
    if outputs < inputs and 0 not in shape:
        raise ValueError(
            f"delta_orthogonal_ needs at least as many output features as input features, "
            f"got {outputs} and {inputs} in x of shape {shape} with layout {layout!r}"
        )
    matrices = (*(shape[i] for i in axes.batch), outputs, inputs)
    centre = tuple((n - 1) // 2 if i in axes.kernel else slice(None) for i, n in enumerate(shape))
    return _orthogonal(x, rng, matrices, gain, axes, axes.inputs, centre)


delta_orthogonal = value_of(delta_orthogonal_)


def _orthogonal(
    x: Array,
    rng: Any,
    matrices: tuple[int, ...],
    gain: float,
    axes: Axes,
    columns: tuple[int, ...],
    index: tuple[int | slice, ...],
) -> Array:
    # Not at the top: what draws takes as long to import as all else.
    from arrayinit.backends.matrices import Orthogonal

    backend = backend_of(x)
    dtype = floating(backend.dtype(x))
    source = source_of(backend, x, rng)
    # As in torch and in JAX, a generator draws in the order of the axes of the array.
    in_order = axes.batch + axes.outputs + (columns if isinstance(source, Seed) else tuple(sorted(columns)))
    return write(x, Orthogonal(source, tuple(x.shape), dtype, matrices, gain, in_order, index))
