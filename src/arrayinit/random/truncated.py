"""The truncated normal: one uniform number a draw, no loop, no rejection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from arrayinit.core.truncation import Central, Extreme, Narrow, Tail, Truncation
from arrayinit.random.arithmetic import Arithmetic, Array
from arrayinit.random.coefficients import MODULUS
from arrayinit.random.quantile import LOG_2, horner, minus_log2, quantile, tail_quantile


class Unit(Protocol):
    """A uniform number u on the unit interval for each element."""

    def lower(self) -> Array:
        """Return u, precise near 0, as an array that may be overwritten."""
        ...

    def upper(self) -> Array:
        """Return 1 - u, precise near 0, as an array that may be overwritten."""
        ...


def central(use: Arithmetic, u: Unit, plan: Central) -> Array:
    """Return z with Phi(z) = below + u * width."""
    # The probabilities below and above the draw, each precise where it is small.
    below = use.rounded(u.lower() * plan.width) + plan.below
    above = use.rounded(u.upper() * plan.width) + plan.above
    p = use.xp.minimum(below, above)
    return quantile(use, use.xp.where(below < above, p - 0.5, 0.5 - p), lambda pick: pick(p))


def truncated_normal(
    use: Arithmetic,
    u: Unit,
    plan: Truncation,
    central: Callable[[Arithmetic, Unit, Central], Array] = central,
    minus_log2: Callable[[Arithmetic, Array], Array] = minus_log2,
) -> Array:
    """Turn uniform numbers into truncated normals, of which rounding may carry some past a bound."""

    def standard() -> Array:
        match plan:
            case Central():
                return central(use, u, plan)
            case Tail():
                return -tail_quantile(use, surprise(plan) + plan.start)
            case Extreme():
                h = use.rounded(surprise(plan) * (plan.curvature * LOG_2))
                s = h + use.rounded(minus_log2(use, 1.0 + h) * (plan.curvature * (LOG_2 / 2.0)))
                return use.over(-s, use.sqrt(1.0 + s) + 1.0)
            case Narrow():
                g = (u.lower() if plan.mirrored else u.upper()) * plan.width
                return -horner(use, plan.series, g) * g

    def surprise(plan: Tail | Extreme) -> Array:
        """Return -log2 of the share of the tail that lies beyond the draw."""
        if plan.slight:
            return _series(use, (u.lower() if plan.mirrored else u.upper()) * plan.mass)
        return minus_log2(use, use.rounded((u.upper() if plan.mirrored else u.lower()) * plan.mass) + plan.rest)

    z = standard()
    z *= plan.scale
    z = use.rounded(z)
    z += plan.anchor
    return z


def truncated_modulus(use: Arithmetic, u: Unit) -> Array:
    """Return |z| of a circular normal z with E|z|^2 = 1, given that it is at most 2."""
    within, beyond = MODULUS
    y = u.lower() * within
    bits = minus_log2(use, use.rounded(u.upper() * within) + beyond)
    # Near 1 the logarithm has lost its digits.
    bits = use.patch(bits, y < 2.0**-8, lambda pick: _series(use, pick(y)))
    return use.xp.clip(use.sqrt(bits * LOG_2), 0.0, 2.0)


def _series(use: Arithmetic, y: Array) -> Array:
    """Return -log2(1 - y) for small y."""
    return use.rounded(horner(use, _SERIES, y) * y)


# -log2(1 - y) / y.
_SERIES = tuple(1.0 / (k * LOG_2) for k in range(1, 8))
