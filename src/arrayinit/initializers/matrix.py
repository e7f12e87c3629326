"""orthogonal_, sparse_: draws with a structure over the whole matrix."""

from __future__ import annotations

import math
from typing import Any

from arrayinit.backends.protocol import Array, Drawing, Generator
from arrayinit.backends.registry import backend_of
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS, Format, floating
from arrayinit.core.layouts import DEFAULT, inverse, parse
from arrayinit.core.numbers import finite
from arrayinit.initializers.constant import check_matrix
from arrayinit.initializers.drawing import draw_portably, draw_whole, run
from arrayinit.random.seeds import seed_of

_STANDARD = Normal(0.0, 1.0)


def orthogonal_(x: Array, gain: float = 1, *, layout: str = DEFAULT, rng: Any = None) -> Array:
    r"""Fill ``x`` with a (semi-)orthogonal matrix, uniform over all of them; unitary where ``x`` is complex.

    ``x`` is seen as a matrix of one row an output feature, and its other axes flattened. A standard normal matrix
    :math:`A`, transposed if it is wide, is decomposed; the signs of the diagonal of :math:`R` make :math:`Q` unique:

    .. math::
        A = QR, \qquad W = \text{gain} \cdot Q \operatorname{diag}(\operatorname{sign} R_{ii}).

    Parameters
    ----------
    x
        Array of 2 axes or more that ``layout`` fits, real or complex floating point; 16-bit types are computed in
        float32. Each weight of a batch (``B`` in the layout) is a matrix of its own.
    gain
        Factor, finite.
    layout
        What each axis of ``x`` is; see `calculate_fan_in_and_fan_out`.
    rng
        None for the default of the library of ``x``, its own generator, a `numpy.random.Generator`, or a seed, which
        gives the same bits on every library: an integer, integers or a `numpy.random.SeedSequence`; see `fold_in`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX a new array of the same shape, dtype and sharding.

    Raises
    ------
    TypeError
        ``x`` is not an array or not floating point; ``rng`` is of another kind.
    ValueError
        ``x`` has fewer than 2 axes, or ``layout`` does not fit it; a gain that is not finite; a negative seed;
        a read-only ``x``.

    Notes
    -----
    LAPACKs differ in the last bits, so one seed gives the same matrix on every library to a tolerance only, some 1e-6
    in float32 and 1e-14 in float64.

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
    gain = finite("gain", gain)
    form = floating(backend_of(x).dtype(x))
    if abs(gain) > form.max:
        raise ValueError(f"gain={gain!r} does not fit dtype {form.name}: it must be within {form.max!r}")
    shape = tuple(x.shape)
    if len(shape) < 2:
        raise ValueError(f"orthogonal_ needs x to have 2 axes or more, got shape {shape}")
    axes = parse(layout, shape)
    batch = tuple(shape[i] for i in axes.batch)
    rows, inputs, kernel = axes.sizes(shape)

    def body(backend: Drawing, target: Array, generator: Generator, form: Format) -> Array:
        if 0 in shape:
            return backend.fill(target, 0)
        matrix = backend.empty(target, (*batch, rows, inputs * kernel), form.compute)
        normal = draw_whole(backend, matrix, _STANDARD, generator, FORMATS[form.compute])
        xp = backend.namespace(normal)
        q = _orthogonal(xp, normal) * gain
        q = xp.reshape(q, tuple(shape[i] for i in axes.canonical))
        return backend.assign(target, xp.permute_dims(q, inverse(axes.canonical)))

    return run(x, seed_of(rng) or rng, body)


def _orthogonal(xp: Any, matrix: Array) -> Array:
    wide = matrix.shape[-2] < matrix.shape[-1]
    q, r = xp.linalg.qr(xp.matrix_transpose(matrix) if wide else matrix)
    d = xp.linalg.diagonal(r)
    size = xp.abs(d)
    # A zero on the diagonal leaves its column of Q as it is, and not zero.
    phase = xp.where(size > 0, d / xp.where(size > 0, size, xp.ones_like(size)), xp.ones_like(d))
    q = q * xp.expand_dims(phase, axis=-2)
    return xp.matrix_transpose(q) if wide else q


def sparse_(x: Array, sparsity: float, std: float = 0.01, *, rng: Any = None) -> Array:
    r"""Fill the matrix ``x`` with draws from :math:`\mathcal{N}(0, \text{std}^2)` and a fixed share of zeros.

    Each column has :math:`\lceil \text{sparsity} \cdot \text{rows} \rceil` zeros, in rows chosen uniformly, and
    independently of the other columns.

    Parameters
    ----------
    x
        Array of shape (rows, columns), real or complex floating point.
    sparsity
        Fraction of the rows that is zero in each column, in [0, 1].
    std
        Standard deviation of the others, finite and at least 0.
    rng
        None for the default of the library of ``x``, its own generator, a `numpy.random.Generator`, or a seed, which
        gives the same bits on every library: an integer, integers or a `numpy.random.SeedSequence`; see `fold_in`.

    Returns
    -------
    Array
        ``x`` itself, filled; for JAX a new array of the same shape, dtype and sharding.

    Raises
    ------
    TypeError
        ``x`` is not an array or not floating point; ``rng`` is of another kind.
    ValueError
        ``x`` is not 2-D; ``sparsity`` outside [0, 1]; ``std < 0``; a negative seed; a read-only ``x``.

    Notes
    -----
    torch chooses the rows with its global generator whatever ``generator`` is given; here ``rng`` draws both. With a
    generator the choice needs memory of its own, 2 bytes for each element of ``x`` on NumPy and on torch's CPU; with a
    seed it needs none that grows with ``x``, but under `jax.jit`.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> w = arrayinit.sparse_(np.empty((10, 4)), sparsity=0.75, rng=np.random.default_rng(0))
    >>> (w == 0).sum(axis=0)
    array([8, 8, 8, 8])

    References
    ----------
    J. Martens, "Deep learning via Hessian-free optimization", 2010.
    """
    law = Normal.of(0.0, std)
    sparsity = finite("sparsity", sparsity)
    if not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"sparsity must be within [0, 1], got {sparsity!r}")
    law.check_range(floating(backend_of(x).dtype(x)))
    check_matrix(x, "sparse_")
    rows, columns = x.shape
    zeros = math.ceil(sparsity * rows)

    seed = seed_of(rng)
    if seed is not None:
        return draw_portably(x, law, seed, zeros=zeros)

    def body(backend: Drawing, target: Array, generator: Generator, form: Format) -> Array:
        choosing, drawing = backend.split(generator, 2)
        # The smaller set is chosen: to be cleared in a full draw, or to be drawn in a cleared matrix.
        if zeros <= rows - zeros:
            filled = backend.draw(target, law, drawing, form)
            return backend.put(filled, backend.subsets(target, zeros, choosing), 0) if zeros and columns else filled
        filled = backend.fill(target, 0)
        if zeros == rows or not columns:
            return filled
        values = backend.draw(backend.empty(target, (rows - zeros, columns), form.name), law, drawing, form)
        return backend.put(filled, backend.subsets(target, rows - zeros, choosing), values)

    return run(x, rng, body)
