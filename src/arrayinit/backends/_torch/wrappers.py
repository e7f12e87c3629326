"""Tensors of classes that override torch's operations: only torch's copy reads and writes them."""

from __future__ import annotations

from collections.abc import Callable

import torch

from arrayinit.backends._torch.memory import is_recorded
from arrayinit.backends.protocol import Array

# The errors of a class that does not support an operation.
_REFUSALS = (AssertionError, AttributeError, LookupError, NotImplementedError, RuntimeError, TypeError, ValueError)


def fill_wrapper(x: torch.Tensor, body: Callable[[Array], Array]) -> torch.Tensor:
    """Let ``body`` fill a plain tensor, copy the values into ``x``, and check that ``x`` holds them."""
    values = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    if x.is_meta:
        body(values)
        return x
    # Refuse an unreadable tensor before anything is drawn or written.
    read(x, "x")
    body(values)
    try:
        with torch.no_grad():
            x.copy_(values)
    except _REFUSALS as error:
        raise TypeError(_text(x, "x", "x.copy_ failed")) from error
    if not is_recorded() and not _same(read(x, "x"), values):
        raise TypeError(_text(x, "x", "x does not keep the values that it is given"))
    return x


def read(x: torch.Tensor, name: str = "source") -> torch.Tensor:
    """Return a plain tensor with the values of ``x``."""
    # Over two different start values, which a class whose copy does nothing would leave.
    try:
        with torch.no_grad():
            copies = [torch.full(x.shape, k, dtype=x.dtype, device=x.device) for k in (0, 1)]
            for plain in copies:
                plain.copy_(x.detach())
    except _REFUSALS as error:
        raise TypeError(_text(x, name, "torch cannot copy from it")) from error
    if not is_recorded() and not _same(*copies):
        raise TypeError(_text(x, name, "torch cannot copy from it"))
    return copies[0]


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two plain tensors have the same bits, NaNs included."""
    return bool(torch.equal(a.reshape(-1).view(torch.uint8), b.reshape(-1).view(torch.uint8)))


def _text(x: torch.Tensor, name: str, fault: str) -> str:
    return (
        f"{name} is a {type(x).__qualname__}, a tensor without memory of its own, and {fault}: pass a plain tensor, as "
        f"one that it wraps, or {name}.dequantize() of a quantized one"
    )
