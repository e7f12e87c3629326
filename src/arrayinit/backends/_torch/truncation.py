"""How torch.compile has a truncated normal planned: it cannot trace decimal arithmetic."""

from __future__ import annotations

import torch

from arrayinit.core.distributions import TruncatedNormal
from arrayinit.core.truncation import Truncation, truncation


# A constant function is handed plain numbers only.
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def plan(mean: float, std: float, low: float, high: float) -> Truncation:
    """Return how this truncated normal is drawn."""
    return truncation(TruncatedNormal(mean, std, low, high))
