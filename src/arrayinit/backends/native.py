"""The draws that a library's generator lacks, built from its real uniforms and normals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from arrayinit.backends.decomposition import by_blocks
from arrayinit.backends.polar import polar
from arrayinit.backends.protocol import Array, Generator
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
from arrayinit.kernels._numpy import NUMPY
from arrayinit.stream.ops import Ops
from arrayinit.stream.quantile import quantile
from arrayinit.stream.truncated import truncated_normal

_UNIT = Uniform(0.0, 1.0)


class Native(ABC):
    """Draws any distribution in any dtype, given uniform and normal draws in float32 and float64."""

    @abstractmethod
    def uniform(self, x: Array, d: Uniform, generator: Generator) -> Array:
        """Fill a real ``x`` with uniform numbers; rounding may carry them onto the bounds."""

    @abstractmethod
    def normal(self, x: Array, d: Normal, generator: Generator) -> Array:
        """Fill ``x`` with normal numbers."""

    def plan(self, d: TruncatedNormal) -> Truncation:
        """Return how ``d`` is drawn."""
        return truncation(d)

    def truncated(self, x: Array, d: TruncatedNormal, generator: Generator) -> Array:
        """Fill a real ``x`` with truncated normal numbers; rounding may carry them past the bounds."""
        u = self.uniform(x, _UNIT, generator)
        return self.assign(x, self.from_uniform(u, self.plan(d)))

    def from_uniform(self, u: Array, plan: Truncation) -> Array:
        """Turn numbers on [0, 1), which may be overwritten, into truncated normals."""
        xp = self.namespace(u)
        return truncated_normal(Ops(xp), _Drawn(xp, u), plan, self._central, _minus_log2)

    def _central(self, ops: Ops, u: Any, plan: Central) -> Array:
        q = u.drawn
        q *= plan.width
        q += plan.below - 0.5
        # Rounding may give 1/2, whose quantile is infinite.
        last = 0.5 - float(ops.xp.finfo(q.dtype).eps) / 4.0
        return self.quantile(ops.xp, self.clip(q, (-last, last)))

    @abstractmethod
    def join(self, real: Array, imaginary: Array) -> Array:
        """Return the complex numbers of these parts, without arithmetic, which would make NaN of infinite ones."""

    @abstractmethod
    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        """Clip ``x`` to the closed interval, in place where it can be written."""

    @abstractmethod
    def namespace(self, x: Array) -> Any:
        """As in `Backend`."""

    @abstractmethod
    def dtype(self, x: Array) -> str:
        """As in `Backend`."""

    @abstractmethod
    def empty(self, x: Array, shape: tuple[int, ...], dtype: str) -> Array:
        """As in `Drawing`."""

    @abstractmethod
    def assign(self, x: Array, values: Array) -> Array:
        """As in `Backend`."""

    def wider(self, x: Array, dtype: str) -> Array:
        """Return something as ``x``, of another dtype, that `draw` can fill."""
        return self.empty(x, tuple(x.shape), dtype)

    def orthonormal(self, matrix: Array, generator: Generator) -> Array:
        """As in `Drawing`; libraries whose own QR decomposition is fast, or whose bits are promised, have that."""
        return by_blocks(self.namespace(matrix), matrix)

    def quantile(self, xp: Any, q: Array, /) -> Array:
        """Return z with Phi(z) - 1/2 = q; libraries with an inverse error function have a faster one."""
        size = abs(q)
        return quantile(NUMPY, q, lambda select: 0.5 - select(size))

    def draw(self, x: Array, distribution: Distribution, generator: Generator, form: FloatFormat) -> Array:
        """As in `Drawing`."""
        return self.draw_within(x, distribution, generator, distribution.limits(form))

    def draw_within(self, x: Array, distribution: Distribution, generator: Generator, limits: Limits) -> Array:
        """Fill ``x`` with draws clipped to ``limits``, by way of a wider dtype or of parts if it must be."""
        form = FORMATS[self.dtype(x)]
        if form.is_complex:
            return self._complex(x, form, distribution, generator)
        if form.is_narrow:
            wide = self.draw_within(self.wider(x, form.compute), distribution, generator, limits)
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

    def _complex(self, x: Array, form: FloatFormat, distribution: Distribution, generator: Generator) -> Array:
        # Interleaved, so that a draw in chunks takes the same numbers as a draw at once.
        pairs = self.empty(x, (*x.shape, 2), form.real)
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
    """Numbers on [0, 1), of a resolution of half the dtype's epsilon, as `truncated_normal` takes them."""

    def __init__(self, xp: Any, drawn: Array) -> None:
        self.xp, self.drawn = xp, drawn

    def lower(self, factor: float = 1.0) -> Array:
        """Not 0, whose logarithm is infinite."""
        self.drawn += float(self.xp.finfo(self.drawn.dtype).eps) / 4.0
        return self.drawn * factor

    def upper(self, factor: float = 1.0) -> Array:
        """Above 0, since no number drawn is 1."""
        return (1.0 - self.drawn) * factor


def _minus_log2(ops: Ops, x: Array) -> Array:
    return -ops.xp.log2(x)
