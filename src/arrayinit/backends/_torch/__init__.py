"""torch: tensors, Parameters, DTensors. This file can be imported without torch."""

from __future__ import annotations

import sys


def is_compiling() -> bool:
    """Whether torch.compile traces the call."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.compiler.is_compiling())
