"""The compiled core on each instruction set of this machine; where it is not built, there is none."""

from __future__ import annotations

from functools import partial
from unittest.mock import patch

import numpy as np

from arrayinit.kernels.draw import Draw
from arrayinit.stream import extension
from kernels_under_test.kernel import Kernel


def _by_core(instruction_set: str, draw: Draw, x: np.ndarray, corner: list[int]) -> None:
    core = extension.core()
    core.use(instruction_set)
    try:
        with patch.object(Draw, "_compute", _refused):
            draw.fill_host(x, corner)
    finally:
        core.use(extension.instruction_set())


def _refused(*_: object) -> None:
    raise AssertionError("NumPy filled a box that the core can fill")


_SETS = extension.core().instruction_sets() if extension.core() else []
_CHUNKS = {"arrayinit.kernels.draw.CHUNK": (1 << 17, 300, 7), "arrayinit.kernels.compiled.ALONE": (1 << 18, 100)}

KERNELS = {
    f"core, {name}": Kernel("numpy", partial(_by_core, name), "far boxes", 600, _CHUNKS, has_negative_strides=True)
    for name in _SETS
}
