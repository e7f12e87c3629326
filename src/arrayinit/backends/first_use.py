"""The check at the first use of a GPU: a block of 4,096 words must have the same bits on the GPU and on the host."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable

import numpy as np

from arrayinit.backends.arguments import warn
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.rounding import memory_dtype
from arrayinit.stream.program import recorded
from arrayinit.stream.seed import Seed

VARIABLE = "ARRAYINIT_GPU"
"""The environment variable that forces kernels or the host."""

_CHOICES = ("check", "device", "host")
_SHAPE = (64, 64)
_SEED = Seed((0,))

# What the check found in this process.
_answers: dict[Hashable, bool] = {}


def choice() -> str:
    """Return "check"; or, if the variable says so, "device" for kernels without a check, or "host" for no kernels."""
    asked = os.environ.get(VARIABLE) or "check"
    if asked not in _CHOICES:
        raise ValueError(f"the environment variable {VARIABLE} must be one of {', '.join(_CHOICES)}; got {asked!r}")
    return asked


def is_right(place: Hashable, draw: Draw, on_device: Callable[[Draw], bytes | None]) -> bool | None:
    """Whether kernels give draws of this kind the bits of the host. None leaves the check to a later fill.

    ``place`` is the library and the device. ``on_device`` fills a small array there and returns its memory, or None
    while nothing may wait for the device.
    """
    kind = place, recorded(draw.distribution, draw.dtype).program, draw.dtype.name, draw.zeros > 0
    answer = _answers.get(kind)
    if answer is None:
        if choice() != "check":
            return choice() == "device"
        sample = Draw(draw.distribution, _SEED, draw.dtype, _SHAPE, (0, 1), _SHAPE[0] // 2 if draw.zeros else 0)
        memory = on_device(sample)
        if memory is None:
            return None
        expected = np.empty(_SHAPE, memory_dtype(draw.dtype.name))
        sample.fill_host(expected)
        _answers[kind] = answer = memory == expected.tobytes()
        if not answer:
            warn(
                f"{place} computes other values than the host for {draw.distribution} in {draw.dtype.name}. The host "
                "fills such arrays from now on: the values are right, but it takes longer. Please report this, with "
                f"the output of python -m arrayinit. The environment variable {VARIABLE}=device forces the kernel"
            )
    return answer
