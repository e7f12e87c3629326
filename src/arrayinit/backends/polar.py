"""Complex draws from real ones: modulus and angle."""

from __future__ import annotations

import math
from typing import Any

from arrayinit.core.distributions import Disk, TruncatedComplexNormal

Array = Any


def polar(xp: Any, u: Array, d: Disk | TruncatedComplexNormal) -> tuple[Array, Array]:
    """Return real and imaginary parts, computed from uniform pairs along the last axis of ``u``."""
    u, turn = u[..., 0], u[..., 1]
    if isinstance(d, Disk):
        modulus, centre = xp.sqrt(u) * d.radius, d.centre
    else:
        modulus, centre = xp.clip(xp.sqrt(-xp.log1p(u * math.expm1(-4.0))), 0.0, 2.0) * d.std, 0.0
    angle = turn * (2.0 * math.pi)
    return modulus * xp.cos(angle) + centre, modulus * xp.sin(angle)
