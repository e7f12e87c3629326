"""How the tests compare an array of a framework with ours: theirs, ours."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from distributions import SIGNIFICANCE, STANDARD_ERRORS, MismatchError
from parity_tables import BITS, COLUMNS, DISTRIBUTION, FIRST_AXIS, LAST_AXIS, LINES
from scipy import stats

# The chance that so many of ours are beyond the last of theirs is 2^-BEYOND.
BEYOND = math.ceil(-math.log2(SIGNIFICANCE))


def same_bits(theirs: np.ndarray, ours: np.ndarray) -> None:
    """Raise AssertionError unless the arrays are equal."""
    np.testing.assert_array_equal(theirs, ours, strict=theirs.ndim > 0)


def same_distribution(theirs: np.ndarray, ours: np.ndarray) -> None:
    """Raise MismatchError unless two independent samples come from one distribution."""
    assert theirs.shape == ours.shape
    samples = [np.sort(x, axis=None).astype(np.float64) for x in (theirs, ours)]
    for name, function in (("mean", lambda x: x), ("variance", lambda x: (x - x.mean()) ** 2)):
        values = [function(x) for x in samples]
        error = math.sqrt(sum(v.var() / v.size for v in values))
        if abs(values[0].mean() - values[1].mean()) > STANDARD_ERRORS * error:
            raise MismatchError(f"{name}: {values[0].mean()} is not {values[1].mean()}, with an error of {error:.2g}")
    for one, other in (samples, samples[::-1]):
        outside = np.count_nonzero((one < other[0]) | (one > other[-1]))
        if outside > 2 * BEYOND:
            raise MismatchError(f"{outside} of the values in {one[[0, -1]]} are beyond {other[[0, -1]]}")
    p = stats.ks_2samp(*samples).pvalue
    if p < SIGNIFICANCE:
        raise MismatchError(f"Kolmogorov-Smirnov, p = {p:.1e}")


def orthogonal(axis: int) -> Callable[[np.ndarray, np.ndarray], None]:
    """Compare the Gram matrices of what is left when ``axis`` is the rows, and all others the columns."""

    def gram(x: np.ndarray) -> np.ndarray:
        x = np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
        return x @ x.T if x.shape[0] < x.shape[1] else x.T @ x

    def compare(theirs: np.ndarray, ours: np.ndarray) -> None:
        assert (theirs.shape, theirs.dtype) == (ours.shape, ours.dtype)
        products = gram(theirs), gram(ours)
        squared_gain = products[0][0, 0]
        for product in products:
            expected = squared_gain * np.eye(len(product))
            np.testing.assert_allclose(product, expected, atol=ours.size * np.finfo(ours.dtype).eps * squared_gain)

    return compare


def zeros(axis: int) -> Callable[[np.ndarray, np.ndarray], None]:
    """Compare the number of zeros along ``axis``, which is the same everywhere, and the distribution of the others."""

    def compare(theirs: np.ndarray, ours: np.ndarray) -> None:
        numbers = [(x == 0).sum(axis=axis) for x in (theirs, ours)]
        np.testing.assert_array_equal(numbers, np.full_like(numbers, numbers[0][0]))
        same_distribution(theirs[theirs != 0], ours[ours != 0])

    return compare


COMPARISONS: dict[str, Callable[[np.ndarray, np.ndarray], None]] = {
    BITS: same_bits,
    DISTRIBUTION: same_distribution,
    FIRST_AXIS: orthogonal(0),
    LAST_AXIS: orthogonal(-1),
    COLUMNS: zeros(0),
    LINES: zeros(1),
}
