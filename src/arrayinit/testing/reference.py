"""The expected values of a case, computed by NumPy. A small library here provides the dtypes that NumPy lacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from arrayinit.backends.protocol import InPlace
from arrayinit.backends.registry import known_backend, register_backend
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.fill import Fill
from arrayinit.kernels.rounding import BEYOND_NUMPY, from_bits, to_bits
from arrayinit.stream.seed import Seed
from arrayinit.testing.cases import Case

Host = np.ndarray[Any, Any]


class Narrow:
    """An array of bfloat16 or float8 numbers, stored in a float32 array."""

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self.shape, self.ndim, self.dtype, self.values = shape, len(shape), dtype, np.zeros(shape, np.float32)


class _Backend(InPlace):
    def accepts(self, cls: type) -> bool:
        return cls is Narrow

    def dtype(self, x: Narrow) -> str:
        return x.dtype

    def generator(self, x: Narrow, rng: Any) -> np.random.Generator | Seed:
        return np.random.default_rng(rng)

    def read(self, x: Narrow) -> Iterator[Host]:
        yield x.values

    def write(self, x: Narrow, fill: Fill) -> Narrow:
        form = FORMATS[x.dtype]
        for index, chunk in fill.chunks(x.shape, x.dtype):
            x.values[index] = from_bits(to_bits(np, chunk, form), form)
        return x


_backend = _Backend()


def reference(case: Case, dtype: str, rng: Any = 5, **options: Any) -> Host:
    """Return the values that a case gives on NumPy; bfloat16 and float8 numbers in float32."""
    shape = options.pop("shape", case.shape)
    if dtype not in BEYOND_NUMPY:
        filled: Host = case.fill(np.zeros(shape, dtype), rng, **options)
        return filled
    if known_backend(Narrow) is not _backend:
        register_backend(_backend)
    values: Host = case.fill(Narrow(shape, dtype), rng, **options).values
    return values


def assert_same(ours: Host, expected: Host, *, exact: bool = True) -> None:
    """Raise AssertionError unless two arrays have the same shape and bits; if not ``exact``, allow a few roundings."""
    assert ours.shape == expected.shape, f"shape {ours.shape}, but {expected.shape} is right"
    if not exact:
        precision = np.finfo(expected.dtype).eps
        np.testing.assert_allclose(ours, expected, rtol=0, atol=200 * float(precision))
        return
    ours = np.ascontiguousarray(ours).astype(expected.dtype)
    np.testing.assert_array_equal(ours, expected)
    if expected.dtype.kind in "fc":
        for part in ("real", "imag"):
            np.testing.assert_array_equal(np.signbit(getattr(ours, part)), np.signbit(getattr(expected, part)))
