"""torch's tensors of the CPU as those of a GPU: what torch says of them, and of CUDA, without a GPU."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from fake_cuda import Driver

from arrayinit.backends import first_use
from arrayinit.backends._torch import custom_op
from arrayinit.initializers import fill

_NAMES = (
    "device",
    "current_stream",
    "get_device_capability",
    "is_initialized",
    "is_current_stream_capturing",
    "get_sync_debug_mode",
)
_REAL = {name: getattr(torch.cuda, name) for name in _NAMES}


class Cuda:
    """What torch is asked of CUDA."""

    def __init__(self) -> None:
        self.capability, self.stream, self.capturing, self.sync_debug_mode = (9, 0), 0x57, False, 0
        self.entered: list[int] = []

    def device(self, number: int) -> Any:
        return _Entered(self.entered, number)

    def current_stream(self, device: int) -> Any:
        assert self.entered[-1] == device
        return SimpleNamespace(cuda_stream=self.stream)


class _Entered:
    def __init__(self, entered: list[int], number: int) -> None:
        self.entered, self.number = entered, number

    def __enter__(self) -> None:
        self.entered.append(self.number)

    def __exit__(self, *_: object) -> None:
        self.entered.pop()


def stand_in(patch: pytest.MonkeyPatch, driver: Driver, *, checked: bool = True) -> Cuda:
    """Let each tensor be on a GPU, whose driver is the fake one; ``checked`` looks at the arguments of each call."""
    from arrayinit.kernels import _cuda_torch

    cuda = Cuda()
    for name, value in (("is_cpu", False), ("is_cuda", True)):
        patch.setattr(torch.Tensor, name, property(lambda _, value=value: value), raising=False)
    patch.setattr(torch.Tensor, "get_device", lambda _: 0, raising=False)
    answers: dict[str, Callable[..., Any]] = {
        "device": cuda.device,
        "current_stream": cuda.current_stream,
        "get_device_capability": lambda _: cuda.capability,
        "is_initialized": lambda: True,
        "is_current_stream_capturing": lambda: cuda.capturing,
        "get_sync_debug_mode": lambda: cuda.sync_debug_mode,
    }
    for name, answer in answers.items():
        patch.setattr(torch.cuda, name, _of_the_same_signature(_REAL[name], answer) if checked else answer)
    patch.setattr(_cuda_torch, "compiled", driver.compiled)
    patch.setattr(first_use, "_answers", {})
    patch.setattr(fill, "_prepared", {})
    for cached in (_cuda_torch._function, _cuda_torch._architecture, custom_op._on_gpu):
        cached.cache_clear()
    driver.launched.clear()
    return cuda


def _of_the_same_signature(replaced: Any, answer: Callable[..., Any]) -> Callable[..., Any]:
    """Let a call that torch's own function would not take fail here too."""
    signature = inspect.signature(replaced)

    def checked(*given: Any, **named: Any) -> Any:
        signature.bind(*given, **named)
        return answer(*given, **named)

    return checked
