"""The short way to a tensor in plain memory: few questions, each of which takes a tenth of a microsecond."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import torch
from torch._C import (
    _increment_version,  # pyright: ignore[reportPrivateUsage]
    _len_torch_dispatch_stack,  # pyright: ignore[reportPrivateUsage]
    _len_torch_function_stack,  # pyright: ignore[reportPrivateUsage]
)
from torch.compiler import is_compiling

from arrayinit.backends._torch.memory import PLAIN
from arrayinit.backends.protocol import Prepared
from arrayinit.core.distributions import Normal, Uniform
from arrayinit.stream import extension
from arrayinit.stream.seed import SEEDS


def kind(x: torch.Tensor) -> Hashable:
    """Return shape and dtype of a tensor without operations of its own, unless torch.compile is at work."""
    if type(x) not in PLAIN or is_compiling():
        return None
    try:
        return x.shape, x.dtype
    except RuntimeError:
        # A nested tensor has no shape.
        return None


def fill_at_once(x: torch.Tensor, prepared: Prepared, source: Any) -> torch.Tensor | None:
    """Fill a tensor of a `PLAIN` type if it is contiguous, and none of the cases that the other functions tell of."""
    try:
        if not (x.is_cpu and x.is_contiguous()) or _len_torch_dispatch_stack() or _len_torch_function_stack():
            return None
        base = x._base  # noqa: SLF001 (as in check_writable)
        if not (x if base is None else base).is_leaf or x.is_inference() or x.is_neg():
            return None
        address, storage = x.data_ptr(), x.untyped_storage()
    except RuntimeError:
        # The tensor is sparse, or a wrapper of torch.vmap or torch.func.grad.
        return None
    if not address or address - storage.data_ptr() + x.nbytes > storage.nbytes():
        return None
    if source is None or type(source) is torch.Generator:
        return _drawn_at_once(x, prepared, source)
    core = extension.core()
    if core is None or prepared.law is None or type(source) not in SEEDS or (prepared.dtype.is_complex and x.is_conj()):
        return None
    # Without an order the shape is that of the array, and need not be asked for.
    shape = prepared.shape if prepared.order is None else x.shape
    core.fill_address(prepared.law, source, address, shape, prepared.order)
    _increment_version([x])
    return x


def _drawn_at_once(x: torch.Tensor, prepared: Prepared, generator: torch.Generator | None) -> torch.Tensor | None:
    d = prepared.distribution
    # torch draws in no dtype of 8 bits.
    if prepared.dtype.bits > 8:
        bare = x.detach() if x.requires_grad else x
        if type(d) is Uniform:
            bare.uniform_(d.low, d.high, generator=generator)
            return x
        if type(d) is Normal and not (d.mean and prepared.dtype.is_complex):
            bare.normal_(d.mean, d.std, generator=generator)
            return x
    return None
