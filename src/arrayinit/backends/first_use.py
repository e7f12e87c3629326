"""The check at the first use of a GPU: a block of 4,096 words must have the same bits on the GPU and on the host."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from arrayinit.backends.arguments import warn
from arrayinit.kernels.cuda_steps import has_negative_zero
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.fill import Host
from arrayinit.kernels.rounding import memory_dtype
from arrayinit.stream.program import recorded
from arrayinit.stream.seed import Seed

VARIABLE = "ARRAYINIT_GPU"
"""The environment variable that forces kernels or the host. Each fill reads it."""

WORDS = 4096
"""The elements of a kind that are compared."""

_CHOICES = ("check", "device", "host")
_SHAPE = (64, 64)
_SEED = Seed((0,))

# What the check found in this process, and how many elements were right so far of what has not been found yet.
_answers: dict[Hashable, bool] = {}
_compared: dict[Hashable, int] = {}


def choice() -> str:
    """Return "check"; or, if the variable says so, "device" for kernels without a check, or "host" for no kernels."""
    asked = os.environ.get(VARIABLE) or "check"
    if asked not in _CHOICES:
        raise ValueError(f"the environment variable {VARIABLE} must be one of {', '.join(_CHOICES)}; got {asked!r}")
    return asked


def answer(place: Hashable, draw: Draw) -> bool | None:
    """Whether kernels are to fill draws of this kind: by the variable, or by the check; None if that is to come.

    ``place`` is the library and the device.
    """
    asked = choice()
    return _answers.get(_kind(place, draw)) if asked == "check" else asked == "device"


def is_right(place: Hashable, draw: Draw, on_device: Callable[[Draw], bytes | None]) -> bool | None:
    """Return the answer, after the check if it is the first use. None leaves the check to a later fill.

    ``on_device`` fills a small array there and returns its memory, or None while nothing may wait for the device.
    """
    found = answer(place, draw)
    if found is None:
        sample = Draw(draw.distribution, _SEED, draw.dtype, _SHAPE, (0, 1), _SHAPE[0] // 2 if draw.zeros else 0)
        memory = on_device(sample)
        if memory is None:
            return None
        return compare(place, sample, memory, _SHAPE)
    return found


def compare(place: Hashable, draw: Draw, memory: bytes, shape: Sequence[int], corner: Sequence[int] = ()) -> bool:
    """Compare the memory of a box, not empty, with the host's, and warn if they differ.

    The answer is known once `WORDS` elements were equal, or some were not.
    """
    expected: Host = np.empty(shape, memory_dtype(draw.dtype.name))
    draw.fill_host(expected, corner or None)
    kind, is_equal = _kind(place, draw), memory == expected.tobytes()
    if not is_equal:
        _answers[kind] = False
        warn(
            f"{place} computes other values than the host for {draw.distribution} in {draw.dtype.name}. The host "
            "fills such arrays from now on: the values are right, but it takes longer. Please report this, with "
            f"the output of python -m arrayinit. The environment variable {VARIABLE}=device forces the kernel"
        )
    elif _tells(np.frombuffer(memory, f"u{min(8, expected.itemsize)}")):
        _compared[kind] = _compared.get(kind, 0) + expected.size
        if _compared[kind] >= WORDS:
            _answers[kind] = True
    return is_equal


def _tells(bits: np.ndarray[Any, Any]) -> bool:
    """Whether numbers tell anything of the kernel that drew them.

    Numbers that all round to zero, of either sign and in both parts, tell nothing. The first few are enough for most.
    """
    return any(len(set(some.tolist())) > 4 for some in (bits[:64], bits))


def _kind(place: Hashable, draw: Draw) -> Hashable:
    program, numbers = recorded(draw.distribution, draw.dtype)
    # A kernel may take shorter ways where no number is -0.
    return place, program, has_negative_zero(numbers), draw.dtype.name, draw.zeros > 0
