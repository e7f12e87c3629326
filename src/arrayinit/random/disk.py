"""Complex draws from real ones."""

from __future__ import annotations

import math
from typing import Any

from arrayinit.core.distributions import Disk

Array = Any


def disk(xp: Any, u: Array, d: Disk) -> tuple[Array, Array]:
    """Return real and imaginary parts, uniform on ``d``, from uniform pairs along the last axis of ``u``."""
    radius = xp.sqrt(u[..., 0]) * d.radius
    angle = u[..., 1] * (2.0 * math.pi)
    return radius * xp.cos(angle) + d.centre, radius * xp.sin(angle)
