"""sparse_: a fixed fraction of each column is zero."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Unpack

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import floating
from arrayinit.core.keywords import misnamed
from arrayinit.core.numbers import finite
from arrayinit.initializers.fill import source_of, write
from arrayinit.stream.seed import Seed
from arrayinit.values import initializer, value_of

if TYPE_CHECKING:
    from arrayinit.values.types import NoMore, Rng


@initializer(lambda v, by, std, **_: v.replace(std=abs(by(std))))
def sparse_(x: Array, sparsity: float, std: float = 0.01, rng: Rng = None, **wrong: Unpack[NoMore]) -> Array:
    r"""Fill the matrix ``x`` with normal draws of mean 0, and the same number of zeros in each column.

    Each column has :math:`\lceil \text{sparsity} \cdot \text{rows} \rceil` zeros. Their rows are uniform, and
    independent of the other columns. The other elements are draws from :math:`\mathcal{N}(0, \text{std}^2)`.

    Parameters
    ----------
    x
        Array of shape (rows, columns), real or complex floating point.
    sparsity
        Fraction of zeros in each column, in [0, 1].
    std
        Standard deviation of the other elements, finite and at least 0.
    rng
        A seed gives the same bits on every library: an integer, a sequence of integers or a
        `numpy.random.SeedSequence`; see `fold_in`. A generator draws in its own order: a generator of the library of
        ``x``, or a `numpy.random.Generator`. None uses the default of the library: its global generator, or fresh
        entropy.

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
        ``x`` is not 2-D; ``sparsity`` outside [0, 1]; ``std < 0``; a negative seed; a read-only ``x``.

    Notes
    -----
    Here ``rng`` chooses the rows and draws the numbers. torch chooses the rows with its global generator, and ignores
    ``generator`` there.

    With a generator, the choice takes 2 bytes of memory for each element of ``x``, on NumPy and on torch's CPU. With a
    seed, it takes no memory that grows with ``x``. The exceptions are `jax.jit`, and columns of millions of rows on a
    GPU.

    If ``x`` is sharded over devices or processes, each of them computes the random keys of whole columns. Sharding by
    columns divides this work; sharding by rows does not.

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
    if wrong:
        raise misnamed(sparse_, wrong)
    distribution = Normal.of(0.0, std)
    sparsity = finite("sparsity", sparsity)
    if not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"sparsity must be within [0, 1], got {sparsity!r}")
    backend = backend_of(x)
    dtype = floating(backend.dtype(x))
    distribution.check_range(dtype)
    shape = tuple(x.shape)
    if len(shape) != 2:
        raise ValueError(f"sparse_ needs a matrix, of 2 axes, got x of shape {shape}")
    zeros = math.ceil(sparsity * shape[0])
    source = source_of(backend, x, rng)
    # Not at the top: what draws takes as long to import as all else.
    if isinstance(source, Seed):
        from arrayinit.kernels.draw import Draw

        return write(x, Draw(distribution, source, dtype, shape, (0, 1), zeros))
    from arrayinit.backends.matrices import Sparse

    return write(x, Sparse(source, shape, dtype, distribution, zeros))


sparse = value_of(sparse_)
