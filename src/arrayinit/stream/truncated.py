"""The truncated normal: one uniform number a draw, no loop, no rejection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from arrayinit.core.truncation import Central, Extreme, Narrow, Tail, Truncation
from arrayinit.stream.coefficients import MODULUS
from arrayinit.stream.ops import Array, Ops
from arrayinit.stream.quantile import LOG_2, horner, minus_log2, tail_quantile


class Unit(Protocol):
    """A uniform number u on the unit interval for each element."""

    def lower(self, factor: float = 1.0) -> Array:
        """Return u times ``factor``, precise near 0, as an array that may be overwritten."""
        ...

    def upper(self, factor: float = 1.0) -> Array:
        """Return 1 - u times ``factor``, precise near 0, as an array that may be overwritten."""
        ...


U = TypeVar("U", bound=Unit)


def truncated_normal(
    ops: Ops,
    u: U,
    plan: Truncation,
    central: Callable[[Ops, U, Central], Array],
    minus_log2: Callable[[Ops, Array], Array],
) -> Array:
    """Turn uniform numbers into truncated normals. Rounding may carry a result past a bound."""

    def standard() -> Array:
        match plan:
            case Central():
                return central(ops, u, plan)
            case Tail():
                return -tail_quantile(ops, surprise(plan) + plan.start)
            case Extreme():
                h = ops.no_fma(surprise(plan) * (plan.curvature * LOG_2))
                s = h + ops.no_fma(minus_log2(ops, 1.0 + h) * (plan.curvature * (LOG_2 / 2.0)))
                return ops.over(-s, ops.sqrt(1.0 + s) + 1.0)
            case Narrow():
                g = u.lower(plan.width) if plan.mirrored else u.upper(plan.width)
                return -horner(ops, plan.series, g) * g

    def surprise(plan: Tail | Extreme) -> Array:
        """Return -log2 of the share of the tail beyond the draw."""
        if plan.use_series:
            return _series(ops, u.lower(plan.mass) if plan.mirrored else u.upper(plan.mass))
        share = u.upper(plan.mass) if plan.mirrored else u.lower(plan.mass)
        return minus_log2(ops, ops.no_fma(share) + plan.rest)

    z = standard()
    z *= plan.scale
    z = ops.no_fma(z)
    z += plan.anchor
    return z


def truncated_modulus(ops: Ops, u: Unit) -> Array:
    """Return |z| of a circular normal z with E|z|^2 = 1, given |z| <= 2."""
    within, beyond = MODULUS
    y = u.lower(within)
    bits = minus_log2(ops, ops.no_fma(u.upper(within)) + beyond)
    # For small y the argument of the logarithm is near 1, and its result has lost digits.
    bits = ops.masked_update(bits, y < 2.0**-8, lambda select: _series(ops, select(y)))
    return ops.clip(ops.sqrt(bits * LOG_2), (0.0, 2.0))


def _series(ops: Ops, y: Array) -> Array:
    """Return -log2(1 - y) for small y."""
    return ops.no_fma(horner(ops, _SERIES, y) * y)


# -log2(1 - y) / y.
_SERIES = tuple(1.0 / (k * LOG_2) for k in range(1, 8))
