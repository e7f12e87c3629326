"""The memory of a tensor, whether a fill may write it without torch, and whether torch's operations are recorded."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch._C import (
    _get_function_stack_at,  # pyright: ignore[reportPrivateUsage]
    _len_torch_dispatch_stack,  # pyright: ignore[reportPrivateUsage]
    _len_torch_function_stack,  # pyright: ignore[reportPrivateUsage]
)
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn.parameter import is_lazy
from torch.utils._device import DeviceContext

from arrayinit.backends.arguments import overlaps, warn
from arrayinit.core.dtypes import NAMES
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.fill import Fill
from arrayinit.kernels.rounding import BEYOND_NUMPY, memory_dtype

PLAIN = (torch.Tensor, torch.nn.Parameter)
"""The types without operations of their own."""

_STRIDED = torch.strided

# The attribute in classes that do not override torch's operations.
_NO_DISPATCH = getattr(torch.Tensor, "__torch_dispatch__", None)

# NumPy's dtype for the memory of each dtype: an unsigned integer for a format that NumPy lacks.
_MEMORY = {getattr(torch, name): np.dtype(memory_dtype(name)) for name in NAMES}
_BEYOND_NUMPY = {getattr(torch, name) for name in BEYOND_NUMPY}

# Tensor.numpy() would forbid resizing the storage for ever.
_buffer: Any = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)(
    ("PyMemoryView_FromMemory", ctypes.pythonapi)
)
_WRITABLE = 0x200


def is_plain(x: torch.Tensor) -> bool:
    """Whether a tensor has its elements in host memory."""
    return type(x) in PLAIN and x.is_cpu and x.layout is _STRIDED and not is_wrapped(x)


def is_wrapped(x: torch.Tensor) -> bool:
    """Whether ``x`` is a wrapper of torch.vmap or torch.func.grad around a tensor.

    A wrapper has no memory of its own, and does not say whether the tensor requires grad.
    """
    return torch.func.debug_unwrap(x, recurse=False) is not x


def is_opaque(x: torch.Tensor) -> bool:
    """Whether the class of a tensor overrides torch's operations, so that its memory may be elsewhere or missing.

    DTensors are supported. Fake and functional tensors are torch's own stand-ins for a tensor.
    """
    if type(x) in PLAIN or torch.compiler.is_compiling():
        return False
    if getattr(type(x), "__torch_dispatch__", None) is _NO_DISPATCH:
        return False
    known = [FakeTensor]
    for module, name in (
        ("torch.distributed.tensor", "DTensor"),
        ("torch._subclasses.functional_tensor", "FunctionalTensor"),
    ):
        known += [getattr(sys.modules[module], name)] if module in sys.modules else []
    return not isinstance(x, tuple(known))


def is_sharded(x: Any) -> bool:
    """Whether a tensor is a DTensor. A DTensor exists only if its module has been imported."""
    if type(x) in PLAIN:
        return False
    loaded = sys.modules.get("torch.distributed.tensor")
    return loaded is not None and isinstance(x, loaded.DTensor)


def local(x: Any) -> Any:
    """Return this process's shard of a tensor; the whole tensor if it is replicated."""
    if not is_sharded(x):
        return x
    with torch.no_grad():
        return x.to_local().detach()


def is_recorded() -> bool:
    """Whether a mode, such as make_fx's, records torch's operations. A write without torch would be missing there."""
    if _len_torch_dispatch_stack():
        return True
    count = _len_torch_function_stack()
    # A default device is a mode too, but records nothing.
    return count > 0 and not all(isinstance(_get_function_stack_at(k), DeviceContext) for k in range(count))


def is_proxied() -> bool:
    """Whether make_fx is building a graph of torch's operations, which will run with other values."""
    tracer = sys.modules.get("torch.fx.experimental.proxy_tensor")
    return tracer is not None and tracer.get_proxy_mode() is not None


def check_dense(x: torch.Tensor, name: str = "x") -> None:
    """Raise unless each index of a tensor has an element of its own."""
    if not torch.compiler.is_compiling() and is_lazy(x):
        raise RuntimeError(f"{name} is an uninitialized parameter without a shape: call the lazy module once before")
    masked = sys.modules.get("torch.masked")
    if masked is not None and isinstance(x, masked.MaskedTensor):
        raise TypeError(f"{name} is a MaskedTensor, whose mask would be passed over: pass {name}.get_data()")
    if x.is_nested and x.layout is _STRIDED:
        raise TypeError(f"{name} is a nested tensor, without one size: pass each tensor of {name}.unbind()")
    if x.layout is not _STRIDED:
        kind = str(x.layout)
        # torch.nn.init.zeros_ drops the pattern of a sparse tensor.
        parts = "" if kind in ("torch.sparse_coo", "torch._mkldnn") else f"{name}.values(), or "
        raise TypeError(
            f"{name} is a tensor of layout {kind}, which has no element at each index: pass {parts}{name}.to_dense()"
        )


def check_writable(x: torch.Tensor) -> None:
    """Raise if the memory of ``x`` must not be written. Warn if the written values may never be read."""
    if torch.compiler.is_compiling():
        _check_not_expanded(x)
        return
    base = x._base  # noqa: SLF001 (documented, and torch has no other name for it)
    # For one of several views, as from chunk, torch refuses to answer is_leaf once another view is filled.
    if not (x if base is None else base).is_leaf:
        _warn_of_computed(x, base)
    # torch writes before it raises, and does not raise for x.detach() of a leaf.
    if x.is_inference() and not torch.is_inference_mode_enabled():
        raise RuntimeError("x is an inference tensor: fill it within torch.inference_mode(), or pass x.clone()")
    if type(x) not in PLAIN:
        if isinstance(x, FakeTensor):
            _check_not_expanded(x)
            return
        if is_opaque(x):
            return
        if (part := local(x)) is not x:
            check_writable(part)
    check_allocated(x, "x")
    if not x.is_contiguous() and overlaps(x.stride(), x.shape):
        raise RuntimeError(_shared_message(x))


def check_allocated(x: torch.Tensor, name: str) -> None:
    """Raise if the storage is smaller than the tensor: torch itself would read or write past its end."""
    try:
        held = x.untyped_storage().nbytes()
    except NotImplementedError:
        # The tensor is sparse, or a wrapper of torch.vmap or torch.func.grad.
        check_dense(x, name)
        return
    if (x.storage_offset() or held != x.nbytes) and held < _end(x) * x.itemsize:
        raise RuntimeError(
            f"{name} of shape {tuple(x.shape)} has a storage of {held} bytes, which was freed or not yet allocated: "
            f"give it memory first, as by {name}.untyped_storage().resize_(...)"
        )


def _check_not_expanded(x: torch.Tensor) -> None:
    """Raise for strides that overlap for certain, without a guard for each size: sizes may be symbolic."""
    if not x.is_contiguous() and any(step == 0 and size > 1 for step, size in zip(x.stride(), x.shape, strict=True)):
        raise RuntimeError(_shared_message(x))


def _end(x: torch.Tensor) -> int:
    """Return the least number of elements of the storage."""
    count: int = x.numel()
    start = int(x.storage_offset())
    if not count or x.is_contiguous():
        return count and start + count
    return start + 1 + int(sum((size - 1) * step for size, step in zip(x.shape, x.stride(), strict=True)))


def is_unseen(x: torch.Tensor) -> bool:
    """Whether a tensor is on the CPU and neither torch.compile nor a mode has to see a write into it."""
    return type(x) in PLAIN and x.is_cpu and not torch.compiler.is_compiling() and not is_recorded()


def fill_memory(x: torch.Tensor, fill: Fill, corner: Sequence[int] | None = None) -> bool:
    """Fill the memory of a tensor by NumPy, and increment the version, as a torch operation does.

    Return False, without a write, if NumPy cannot see the memory. Only a `Draw` writes the bits of a format that NumPy
    lacks.
    """
    if not (type(x) in PLAIN and x.is_cpu and x.layout is _STRIDED) or is_wrapped(x) or x.is_neg() or x.is_conj():
        return False
    dtype, address = _MEMORY.get(x.dtype), x.data_ptr()
    # torch._efficientzerotensor returns a tensor with elements but without memory.
    if dtype is None or not address or (x.dtype in _BEYOND_NUMPY and not isinstance(fill, Draw)):
        return False
    if x.is_contiguous():
        memory = np.ndarray(x.shape, dtype, _buffer(address, x.nbytes, _WRITABLE))
    else:
        length = x.untyped_storage().nbytes() - x.storage_offset() * dtype.itemsize
        strides = [step * dtype.itemsize for step in x.stride()]
        memory = np.ndarray(x.shape, dtype, _buffer(address, length, _WRITABLE), strides=strides)
    fill.fill_host(memory, corner)
    torch.autograd.graph.increment_version(x)
    return True


def _shared_message(x: torch.Tensor) -> str:
    return f"elements of x, of shape {tuple(x.shape)}, share a single memory location: pass x.clone()"


def _warn_of_computed(x: torch.Tensor, base: torch.Tensor | None) -> None:
    if is_wrapped(x):
        return
    made_by = type((x if base is None else base).grad_fn).__name__
    warn(
        f"x was computed from other tensors, by {made_by}, and is no parameter: it may be computed anew where it is "
        "used. Fill the parameter that it was computed from, as parametrizations.weight.original1 of a module with "
        "weight_norm"
    )
