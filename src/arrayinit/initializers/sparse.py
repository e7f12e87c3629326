"""sparse_: a fixed share of each column is zero."""

from __future__ import annotations

import math
from typing import Any, Never

from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import floating
from arrayinit.core.numbers import finite
from arrayinit.initializers.fill import source_of, write
from arrayinit.initializers.keywords import misnamed, public
from arrayinit.stream.seed import Seed


@public
def sparse_(x: Array, sparsity: float, std: float = 0.01, rng: Any = None, **wrong: Never) -> Array:
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
        ``x`` itself, filled; for JAX and Dask a new array of the same shape, dtype, and sharding or chunks.

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
    seed it needs none that grows with ``x``, but under `jax.jit`, and on a GPU for columns of millions of rows.

    Of an array that is cut over devices or processes each goes through the keys of its columns as wholes: cut by
    columns the work is divided, cut by rows each does it all.

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
    law = Normal.of(0.0, std)
    sparsity = finite("sparsity", sparsity)
    if not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"sparsity must be within [0, 1], got {sparsity!r}")
    backend = backend_of(x)
    dtype = floating(backend.dtype(x))
    law.check_range(dtype)
    shape = tuple(x.shape)
    if len(shape) != 2:
        raise ValueError(f"sparse_ needs a matrix, of 2 axes, got x of shape {shape}")
    zeros = math.ceil(sparsity * shape[0])
    source = source_of(backend, x, rng)
    # Not at the top: what draws takes as long to import as all else.
    if isinstance(source, Seed):
        from arrayinit.kernels.draw import Draw

        return write(x, Draw(law, source, dtype, shape, (0, 1), zeros))
    from arrayinit.backends.matrices import Sparse

    return write(x, Sparse(source, shape, dtype, law, zeros))
