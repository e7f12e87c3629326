"""The plan of a truncated normal under torch.compile, which cannot trace decimal arithmetic."""

from __future__ import annotations

import torch

from arrayinit.core.distributions import TruncatedNormal
from arrayinit.core.truncation import Truncation, truncation


# torch passes plain numbers only to a constant function.
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def plan(mean: float, std: float, low: float, high: float) -> Truncation:
    """Return the plan of this truncated normal."""
    return truncation(TruncatedNormal(mean, std, low, high))
