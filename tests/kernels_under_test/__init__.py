"""The kernels under test, behind one small interface: each underscored file here has those of one library."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from kernels_under_test.kernel import Kernel

__all__ = ["KERNELS", "Kernel"]

KERNELS: dict[str, Kernel] = {}

for _file in sorted(Path(__file__).parent.glob("_[a-z]*.py")):
    KERNELS |= import_module(f"kernels_under_test.{_file.stem}").KERNELS
