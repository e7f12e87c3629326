"""Run the machine code of GPU kernels on the CPU, thread by thread in step, and see what it is made of.

NVRTC and nvdisasm come from PyPI; neither needs a GPU or a driver. An instruction, a modifier or a form of operands
that the tests have not met so far is an error that names it.
"""

from __future__ import annotations

from sass.kernel import Kernel, compiled_kernels
from sass.machine import Choices, Grid, Machine

__all__ = ["Choices", "Grid", "Kernel", "Machine", "compiled_kernels"]
