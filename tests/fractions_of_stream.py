"""The fractions w / (x + s) of the portable stream, with the ranges of their operands."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from arrayinit.core.distributions import TruncatedNormal
from arrayinit.core.truncation import _CENTRAL, _EXTREME, Tail, truncation
from arrayinit.stream.coefficients import SINGLE, SINGLE_TAIL
from arrayinit.stream.quantile import LOG_2


def tails() -> tuple[float, float]:
    """Return the least and the greatest r, where r^2 = -2 log p, of all tails."""
    nearest = truncation(TruncatedNormal(0.0, 1.0, -math.inf, -float(_CENTRAL)))
    furthest = truncation(TruncatedNormal(0.0, 1.0, -math.inf, -float(_EXTREME)))
    assert isinstance(nearest, Tail)
    assert isinstance(furthest, Tail)
    # The edge of the centre is nearer still. The least number u is 2^-33.
    least = min(-math.log2(0.5 - math.sqrt(SINGLE.edge)), nearest.start)
    return tuple(math.sqrt(2.0 * LOG_2 * bits) for bits in (least * (1 - 1e-6), (furthest.start + 33.0) * (1 + 1e-6)))


RANGES = ((SINGLE.centre, (0.0, SINGLE.edge)), (SINGLE.logarithm, (1.0, 2.0)), (SINGLE_TAIL, tails()))


def fractions() -> Iterator[tuple[float, float, float]]:
    """Yield w of each fraction w / (x + s), and the ends of the range of x + s, all in float32."""
    for table, ends in RANGES:
        for w, s in table:
            yield (float(np.float32(w)), *sorted(float(np.float32(x) + np.float32(s)) for x in ends))


FRACTIONS = {w: (low, high) for w, low, high in fractions()}


def bits_of_range(w: float) -> tuple[int, int]:
    """Return the least and the greatest bits of the operands of a fraction, which have one sign."""
    low, high = FRACTIONS[w]
    assert low * high > 0
    first, last = sorted(int(np.float32(x).view(np.uint32)) for x in (low, high))
    return first, last
