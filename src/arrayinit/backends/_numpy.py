"""NumPy: arrays are filled chunk by chunk, so that no temporary grows with the array."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial
from typing import Any

import numpy as np

from arrayinit.backends.arguments import is_masked, numpy_generator, overlaps
from arrayinit.backends.computed import Computed
from arrayinit.backends.decomposition import by_blocks
from arrayinit.backends.device import Device, ready
from arrayinit.backends.native import NativeBackend
from arrayinit.backends.protocol import Array, InPlace, Prepared
from arrayinit.core.distributions import Distribution, Normal, Uniform
from arrayinit.core.dtypes import FORMATS, NAMES, FloatFormat
from arrayinit.kernels.fill import Fill
from arrayinit.kernels.numpy_ops import NUMPY
from arrayinit.kernels.rounding import BEYOND_NUMPY
from arrayinit.kernels.subsets import KEY_BITS, smallest
from arrayinit.kernels.table import Table
from arrayinit.stream import extension
from arrayinit.stream.seed import SEEDS, Seed

_CHUNK = 1 << 16

# NumPy builds the name of a dtype at each access.
DTYPE_NAMES = {np.dtype(name): name for name in NAMES if name not in BEYOND_NUMPY}

# NumPy's own annotations misspell "contig".
_CONTIGUOUS: Any = [["writeonly", "contig", "nbo", "aligned"]]


class NumPy(NativeBackend, InPlace):
    """Adapter for `numpy.ndarray` and its subclasses."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, np.ndarray) and not is_masked(cls)

    def devices(self) -> Iterator[Device]:
        yield Device("numpy", np.__version__, "cpu", partial(np.empty, dtype=np.float32), ready, np.asarray)

    def namespace(self, x: Array) -> Any:
        return np

    def dtype(self, x: Array) -> str:
        # NumPy names a structured dtype by its size only.
        return DTYPE_NAMES.get(x.dtype) or str(x.dtype if getattr(x.dtype, "names", None) else x.dtype.name)

    def check_writable(self, x: Array) -> None:
        # This check comes first: a broadcast array is also read-only, and must not be made writable.
        if x.size and not x.flags.forc and overlaps(x.strides, x.shape, x.itemsize):
            raise ValueError(f"elements of x, of shape {x.shape}, share a single memory location: pass x.copy()")
        if not x.flags.writeable:
            hint = ", or make it writable with x.flags.writeable = True" if _can_be_writable(x) else ""
            raise ValueError(
                f"x of shape {x.shape} is a read-only array, which is never copied silently: pass x.copy(){hint}"
            )

    def kind(self, x: Array) -> Hashable:
        return (x.shape, x.dtype) if type(x) is np.ndarray else None

    def fill_at_once(self, x: Array, prepared: Prepared, source: Any) -> Array | None:
        core = extension.core()
        if core is None or prepared.law is None or type(source) not in SEEDS:
            return None
        return x if core.fill_at_once(prepared.law, source, x, prepared.order) else None

    def generator(self, x: Array, rng: Any) -> np.random.Generator:
        return numpy_generator(rng, "a NumPy array")

    def read(self, x: Array) -> Iterator[Array]:
        yield x

    def write(self, x: Array, fill: Fill) -> Array:
        # Fill the memory of a subclass directly, past its own rules for operations.
        target = x if type(x) is np.ndarray else np.asarray(x)
        if isinstance(fill, Computed):
            fill.compute(self, target)
        else:
            fill.fill_host(target)
        return x

    def assign(self, x: Array, values: Array) -> Array:
        if values is x:
            return x
        if values.dtype == x.dtype:
            np.copyto(x, values)
        else:
            Table(values).fill_host(x)
        return x

    def set_at(self, x: Array, index: tuple[Any, ...], value: Array | complex) -> Array:
        # ml_dtypes swaps the bytes of an array, but not of a scalar.
        x[index] = value if isinstance(value, np.ndarray) else np.asarray(x.dtype.type(value))
        return x

    def empty(self, x: Array, shape: tuple[int, ...], dtype: str) -> Array:
        return np.empty(shape, dtype)

    def subsets(self, x: Array, count: int, generator: np.random.Generator) -> tuple[Array, Array]:
        rows, columns = x.shape
        keys = generator.integers(1 << KEY_BITS, size=(columns, rows), dtype=np.uint16)
        return smallest(keys, count), np.arange(columns)

    def draw(self, x: Array, distribution: Distribution, generator: np.random.Generator, dtype: FloatFormat) -> Array:
        limits = distribution.limits(dtype)
        # A draw may overflow to infinity; this is no reason to warn.
        with np.errstate(over="ignore", invalid="ignore"):
            for chunk in _chunks(x):
                self.draw_within(chunk, distribution, generator, limits)
        return x

    def qr(self, matrix: Array, generator: np.random.Generator | Seed) -> Array:
        return by_blocks(np, matrix)

    def uniform(self, x: Array, d: Uniform, generator: np.random.Generator) -> Array:
        generator.random(out=x, dtype=x.dtype)
        x *= d.high - d.low
        if d.low:
            x += d.low
        return x

    def normal(self, x: Array, d: Normal, generator: np.random.Generator) -> Array:
        generator.standard_normal(out=x, dtype=x.dtype)
        x *= d.std
        # A std of 0 leaves zeros of both signs; adding the mean removes the signs.
        if d.mean or not d.std:
            x += d.mean
        return x

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        return NUMPY.clip(x, limits)


BACKEND = NumPy()


def _can_be_writable(x: np.ndarray[Any, Any]) -> bool:
    """Whether NumPy allows making a read-only array writable. It refuses memory of another owner, such as a file."""
    if x.flags.owndata:
        return True
    try:
        # NumPy decides alike for a view of the same base, and the flag of x stays as it was.
        np.asarray(x)[...].flags.writeable = True
    except ValueError:
        return False
    return True


def _chunks(x: Array) -> Iterator[Array]:
    """Yield ``x`` in C order as contiguous one-dimensional chunks in the dtype of the computation.

    A chunk is a view if ``x`` is contiguous and needs no conversion. Otherwise it is a small buffer, then written back.
    """
    compute = FORMATS[BACKEND.dtype(x)].compute
    if x.flags.carray and x.dtype == compute:
        # This saves the 10 us of creating a NumPy iterator.
        flat = np.asarray(x).reshape(-1)
        yield from (flat[i : i + _CHUNK] for i in range(0, flat.size, _CHUNK))
        return
    with np.nditer(
        x,
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=_CONTIGUOUS,
        op_dtypes=[compute],
        casting="unsafe",
        order="C",
        buffersize=_CHUNK,
    ) as chunks:
        yield from chunks
