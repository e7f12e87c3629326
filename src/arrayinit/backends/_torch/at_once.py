"""The short way to a tensor in plain memory: few questions, each of which takes a tenth of a microsecond."""

from __future__ import annotations

from collections.abc import Hashable
from os import environ
from typing import Any

import torch
from torch._C import (
    _increment_version,  # pyright: ignore[reportPrivateUsage]
    _len_torch_dispatch_stack,  # pyright: ignore[reportPrivateUsage]
    _len_torch_function_stack,  # pyright: ignore[reportPrivateUsage]
)
from torch.compiler import is_compiling

from arrayinit.backends._torch.custom_op import launcher
from arrayinit.backends._torch.memory import PLAIN, check_writable
from arrayinit.backends.first_use import VARIABLE
from arrayinit.backends.protocol import Prepared
from arrayinit.core.distributions import Normal, Uniform
from arrayinit.kernels.draw import Draw
from arrayinit.stream import extension
from arrayinit.stream.seed import SEEDS, Seed


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
    """Fill a tensor of a `PLAIN` type in none of the cases that the other functions tell of.

    A tensor on the CPU must be contiguous.
    """
    try:
        on_host = x.is_cpu
        if not (x.is_contiguous() if on_host else x.is_cuda) or _len_torch_dispatch_stack():
            return None
        base = x._base  # noqa: SLF001 (as in check_writable)
        if not (x if base is None else base).is_leaf or x.is_inference() or x.is_neg() or _len_torch_function_stack():
            return None
        address, storage = x.data_ptr(), x.untyped_storage()
    except RuntimeError:
        # The tensor is sparse, or a wrapper of torch.vmap or torch.func.grad.
        return None
    room = storage.nbytes() + storage.data_ptr() - address
    if not address or x.nbytes > room:
        return None
    if source is None or type(source) is torch.Generator:
        return _drawn_at_once(x, prepared, source) if on_host or x.is_contiguous() else None
    if type(source) not in SEEDS or (prepared.dtype.is_complex and x.is_conj()):
        return None
    if not on_host:
        return _by_kernel(x, prepared, source, room)
    core = extension.core()
    if core is None or prepared.law is None:
        return None
    # Without an order the shape is that of the array, and need not be asked for.
    shape = prepared.shape if prepared.order is None else x.shape
    core.fill_address(prepared.law, source, address, shape, prepared.order)
    _increment_version([x])
    return x


def _by_kernel(x: torch.Tensor, prepared: Prepared, source: int | Seed, room: int) -> torch.Tensor | None:
    """Fill a tensor on a GPU; ``room`` are the bytes of its storage from its first element on."""
    if prepared.kept is None:
        return None
    seed = source if isinstance(source, Seed) else Seed((source,))
    place = x.get_device(), x.stride(), environ.get(VARIABLE)
    if place in prepared.kept:
        fill, span = prepared.kept[place]
    else:
        check_writable(x)
        order = tuple(range(x.ndim)) if prepared.order is None else prepared.order
        fill, is_checked = launcher(x, Draw(prepared.distribution, seed, prepared.dtype, prepared.shape, order))
        span = (1 + sum((size - 1) * step for size, step in zip(x.shape, x.stride(), strict=True))) * x.itemsize
        if is_checked:
            prepared.kept[place] = fill, span
    if fill is None or span > room:
        return None
    fill(x, seed.key())
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
