"""The expected values of a case, computed by NumPy. NumPy lacks bfloat16, so a small library here provides it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from arrayinit.backends.protocol import InPlace
from arrayinit.backends.registry import known_backend, register_backend
from arrayinit.kernels.fill import Fill
from arrayinit.stream.seed import Seed
from arrayinit.testing.cases import Case

Host = np.ndarray[Any, Any]


class BFloat16:
    """An array of bfloat16 numbers, stored in a float32 array."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.ndim, self.values = shape, len(shape), np.zeros(shape, np.float32)


class _Backend(InPlace):
    def accepts(self, cls: type) -> bool:
        return cls is BFloat16

    def dtype(self, x: BFloat16) -> str:
        return "bfloat16"

    def generator(self, x: BFloat16, rng: Any) -> np.random.Generator | Seed:
        return np.random.default_rng(rng)

    def read(self, x: BFloat16) -> Iterator[Host]:
        yield x.values

    def write(self, x: BFloat16, fill: Fill) -> BFloat16:
        for index, chunk in fill.chunks(x.shape, "bfloat16"):
            x.values[index] = _rounded(chunk)
        return x


def _rounded(values: Host) -> Host:
    """Round float32 numbers to bfloat16: to nearest, ties to even."""
    bits = np.array(values, np.float32, order="C").view(np.uint32)
    bits += 0x7FFF + (bits >> 16 & 1)
    bits &= 0xFFFF0000
    return bits.view(np.float32)


_backend = _Backend()


def reference(case: Case, dtype: str, rng: Any = 5, **options: Any) -> Host:
    """Return the values that a case gives on NumPy; bfloat16 numbers in float32."""
    shape = options.pop("shape", case.shape)
    if dtype != "bfloat16":
        filled: Host = case.fill(np.zeros(shape, dtype), rng, **options)
        return filled
    if known_backend(BFloat16) is not _backend:
        register_backend(_backend)
    values: Host = case.fill(BFloat16(shape), rng, **options).values
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
