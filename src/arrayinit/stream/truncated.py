"""The truncated normal: one uniform number a draw, no loop, no rejection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from arrayinit.core.dtypes import Format
from arrayinit.core.truncation import Central, Extreme, Narrow, Tail, Truncation
from arrayinit.stream.arithmetic import Arithmetic, Array
from arrayinit.stream.coefficients import MODULUS
from arrayinit.stream.quantile import LOG_2, horner, minus_log2, quantile, tail_quantile
from arrayinit.stream.word import Word


class Unit(Protocol):
    """A uniform number u on the unit interval for each element."""

    def lower(self, factor: float = 1.0) -> Array:
        """Return u times ``factor``, precise near 0, as an array that may be overwritten."""
        ...

    def upper(self, factor: float = 1.0) -> Array:
        """Return 1 - u times ``factor``, precise near 0, as an array that may be overwritten."""
        ...


U = TypeVar("U", bound=Unit)


def central(use: Arithmetic, word: Word, plan: Central) -> Array:
    """Return z with Phi(z) = below + u * width."""
    if _is_even(plan, word.form):
        # The probability on the side where the draw is, which both sides have alike.
        lesser, side = word.nearer(plan.width)
        p = use.rounded(lesser)
        p += plan.below
        q = use.flip(use.rounded(p) - 0.5, side)
    else:
        # The probabilities below and above the draw, each precise where it is small.
        below, above = use.rounded(word.lower(plan.width)), use.rounded(word.upper(plan.width))
        below += plan.below
        above += plan.above
        p = use.xp.minimum(below, above)
        below -= above
        q = use.flip(0.5 - p, use.bits(below, f"int{word.size}"))
    return quantile(use, q, lambda pick: pick(p))


def _is_even(plan: Central, form: Format) -> bool:
    """Whether both sides are alike, and meet at 1/2 as it is rounded."""
    middle = 0.5 * form.nearest(plan.width) + form.nearest(plan.below)
    return plan.below == plan.above and form.nearest(middle) == 0.5


def truncated_normal(
    use: Arithmetic,
    u: U,
    plan: Truncation,
    central: Callable[[Arithmetic, U, Central], Array],
    minus_log2: Callable[[Arithmetic, Array], Array],
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
                g = u.lower(plan.width) if plan.mirrored else u.upper(plan.width)
                return -horner(use, plan.series, g) * g

    def surprise(plan: Tail | Extreme) -> Array:
        """Return -log2 of the share of the tail that lies beyond the draw."""
        if plan.slight:
            return _series(use, u.lower(plan.mass) if plan.mirrored else u.upper(plan.mass))
        share = u.upper(plan.mass) if plan.mirrored else u.lower(plan.mass)
        return minus_log2(use, use.rounded(share) + plan.rest)

    z = standard()
    z *= plan.scale
    z = use.rounded(z)
    z += plan.anchor
    return z


def truncated_modulus(use: Arithmetic, u: Unit) -> Array:
    """Return |z| of a circular normal z with E|z|^2 = 1, given that it is at most 2."""
    within, beyond = MODULUS
    y = u.lower(within)
    bits = minus_log2(use, use.rounded(u.upper(within)) + beyond)
    # Near 1 the logarithm has lost its digits.
    bits = use.patch(bits, y < 2.0**-8, lambda pick: _series(use, pick(y)))
    return use.clip(use.sqrt(bits * LOG_2), (0.0, 2.0))


def _series(use: Arithmetic, y: Array) -> Array:
    """Return -log2(1 - y) for small y."""
    return use.rounded(horner(use, _SERIES, y) * y)


# -log2(1 - y) / y.
_SERIES = tuple(1.0 / (k * LOG_2) for k in range(1, 8))
