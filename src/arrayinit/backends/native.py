"""Draws that a library's generator lacks, built from its real uniforms and normals."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from arrayinit.backends.polar import polar
from arrayinit.backends.protocol import Array, Backend, Generator
from arrayinit.core.distributions import (
    Disk,
    Distribution,
    Limits,
    Normal,
    TruncatedComplexNormal,
    TruncatedNormal,
    Uniform,
)
from arrayinit.core.dtypes import FORMATS, FloatFormat
from arrayinit.core.truncation import Central, Truncation, truncation
from arrayinit.kernels.numpy_ops import NUMPY
from arrayinit.stream.ops import Ops
from arrayinit.stream.quantile import quantile
from arrayinit.stream.seed import Seed
from arrayinit.stream.truncated import truncated_normal

_UNIT = Uniform(0.0, 1.0)


class NativeBackend(Backend):
    """A backend whose library has its own random generator. For other backends NumPy draws on the host.

    It builds any distribution in any dtype from real uniform and normal draws in float32 and float64.
    """

    def empty(self, x: Array, shape: tuple[int, ...], dtype: str) -> Array:
        """Return an array on the device of ``x``, or a struct, that `draw` can fill."""
        xp = self.namespace(x)
        return xp.empty(shape, dtype=getattr(xp, dtype))

    @abstractmethod
    def assign(self, x: Array, values: Array) -> Array:
        """Set ``x`` to ``values``, an array of this library of the same shape, rounded to the dtype of ``x``."""

    def set_at(self, x: Array, index: tuple[Any, ...], value: Array | complex) -> Array:
        """Set ``x[index]`` and leave the rest; ``index`` holds slices and arrays of integers."""
        x[index] = value
        return x

    @abstractmethod
    def qr(self, matrix: Array, generator: Generator | Seed) -> Array:
        """Return Q of the QR decomposition with a positive diagonal of R; for a wide matrix, decompose its transpose.

        ``matrix`` is normal, drawn with ``generator``. Q has the dtype of ``matrix``, or a wider dtype.
        """

    def matrix(self, x: Array, shape: tuple[int, ...], generator: Generator, dtype: FloatFormat) -> Array:
        """Return standard normal matrices of this shape, which `qr` decomposes; the first axes are a batch."""
        return self.draw(self.empty(x, shape, dtype.name), Normal(0.0, 1.0), generator, dtype)

    @abstractmethod
    def uniform(self, x: Array, d: Uniform, generator: Generator) -> Array:
        """Fill a real ``x`` with uniform numbers; rounding may carry them onto the bounds."""

    @abstractmethod
    def normal(self, x: Array, d: Normal, generator: Generator) -> Array:
        """Fill ``x`` with normal numbers."""

    def plan(self, d: TruncatedNormal) -> Truncation:
        """Return the plan of ``d``."""
        return truncation(d)

    def truncated(self, x: Array, d: TruncatedNormal, generator: Generator) -> Array:
        """Fill a real ``x`` with truncated normal numbers; rounding may carry them past the bounds."""
        u = self.uniform(x, _UNIT, generator)
        return self.assign(x, self.from_uniform(u, self.plan(d)))

    def from_uniform(self, u: Array, plan: Truncation) -> Array:
        """Turn numbers on [0, 1) into truncated normals; may overwrite ``u``."""
        xp = self.namespace(u)
        return truncated_normal(Ops(xp), _Drawn(xp, u), plan, self._central, _minus_log2)

    def _central(self, ops: Ops, u: Any, plan: Central) -> Array:
        q = u.drawn
        q *= plan.width
        q += plan.below - 0.5
        # Rounding may give 1/2, whose quantile is infinite.
        last = 0.5 - float(ops.xp.finfo(q.dtype).eps) / 4.0
        return self.quantile(ops.xp, self.clip(q, (-last, last)))

    def join(self, real: Array, imaginary: Array) -> Array:
        """Return complex numbers from their parts without arithmetic, which would turn infinite parts into NaN."""
        xp = self.namespace(real)
        z = xp.empty(real.shape, dtype=xp.result_type(real.dtype, xp.complex64))
        z.real, z.imag = real, imaginary
        return z

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        """Clip ``x`` to the closed interval, in place if ``x`` can be written."""
        return self.assign(x, self.namespace(x).clip(x, *limits))

    def split(self, generator: Generator, count: int) -> list[Generator]:
        """Return ``count`` generators whose draws are independent, as consecutive draws of one generator are."""
        return [generator] * count

    def subsets(self, x: Array, count: int, generator: Generator) -> tuple[Array, Array]:
        """Choose ``count`` rows of each column of a matrix; return row numbers (count, columns) and column numbers.

        Each choice is uniform among all sets of this size, and independent of the other columns. The rows with the
        smallest of one random key each are chosen; libraries that select faster than they sort override this method.
        """
        keys = self.uniform(self.empty(x, tuple(x.shape), "float32"), _UNIT, generator)
        xp = self.namespace(keys)
        return xp.argsort(keys, axis=0)[:count, :], xp.arange(x.shape[1])

    def wider(self, x: Array, dtype: str) -> Array:
        """Return an array like ``x``, but of another dtype, that `draw` can fill."""
        return self.empty(x, tuple(x.shape), dtype)

    def quantile(self, xp: Any, q: Array, /) -> Array:
        """Return z with Phi(z) - 1/2 = q. Override it where the library has a faster inverse error function."""
        size = abs(q)
        return quantile(NUMPY, q, lambda select: 0.5 - select(size))

    def draw(self, x: Array, distribution: Distribution, generator: Generator, dtype: FloatFormat) -> Array:
        """Fill ``x`` with independent draws, within the distribution's bounds even when rounded to ``dtype``."""
        return self.draw_within(x, distribution, generator, distribution.limits(dtype))

    def draw_within(self, x: Array, distribution: Distribution, generator: Generator, limits: Limits) -> Array:
        """Fill ``x`` with draws clipped to ``limits``, through a wider dtype or complex parts where needed."""
        dtype = FORMATS[self.dtype(x)]
        if dtype.is_complex:
            return self._complex(x, dtype, distribution, generator)
        if dtype.is_narrow:
            wide = self.draw_within(self.wider(x, dtype.compute), distribution, generator, limits)
            return self.assign(x, wide)
        drawn = self._real(x, distribution, generator)
        return drawn if limits is None else self.clip(drawn, limits)

    def _real(self, x: Array, distribution: Distribution, generator: Generator) -> Array:
        match distribution:
            case Uniform():
                return self.uniform(x, distribution, generator)
            case Normal():
                return self.normal(x, distribution, generator)
            case TruncatedNormal():
                return self.truncated(x, distribution, generator)
            case _:
                raise AssertionError(f"{distribution} is drawn in complex dtypes only")

    def _complex(self, x: Array, dtype: FloatFormat, distribution: Distribution, generator: Generator) -> Array:
        # The parts are interleaved, so that a draw in chunks uses the same numbers as a draw at once.
        pairs = self.empty(x, (*x.shape, 2), dtype.real)
        xp = self.namespace(pairs)
        match distribution:
            case Disk() | TruncatedComplexNormal():
                real, imaginary = polar(xp, self.draw_within(pairs, _UNIT, generator, None), distribution)
            case Normal():
                parts = self.draw_within(pairs, distribution.part(), generator, None)
                real, imaginary = parts[..., 0] + distribution.mean, parts[..., 1]
            case _:
                raise AssertionError(f"{distribution} is drawn in real dtypes only")
        return self.assign(x, self.join(real, imaginary))


class _Drawn:
    """Numbers on [0, 1) with a resolution of half the dtype's epsilon, in the interface of `truncated_normal`."""

    def __init__(self, xp: Any, drawn: Array) -> None:
        self.xp, self.drawn = xp, drawn

    def lower(self, factor: float = 1.0) -> Array:
        """Shift away from 0, whose logarithm is infinite."""
        self.drawn += float(self.xp.finfo(self.drawn.dtype).eps) / 4.0
        return self.drawn * factor

    def upper(self, factor: float = 1.0) -> Array:
        """The result is above 0, since no drawn number is 1."""
        return (1.0 - self.drawn) * factor


def _minus_log2(ops: Ops, x: Array) -> Array:
    return -ops.xp.log2(x)
