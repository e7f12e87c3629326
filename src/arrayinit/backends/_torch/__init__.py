"""torch: tensors, Parameters, DTensors. This file can be imported without torch."""

from __future__ import annotations

import sys


def is_compiling() -> bool:
    """Whether torch.compile traces the call."""
    # While torch is being imported, it has no compiler yet.
    compiler = getattr(sys.modules.get("torch"), "compiler", None)
    return compiler is not None and bool(compiler.is_compiling())
