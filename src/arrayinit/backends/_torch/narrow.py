"""Store numbers as float8, of which torch knows few operations, and whose conversions change with torch's release."""

from __future__ import annotations

from typing import Any

import array_api_compat.torch as xp
import torch

from arrayinit.backends.protocol import Array
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.rounding import BYTES, rounds_twice, to_bits, to_odd

FLOAT8 = {getattr(torch, name): FORMATS[name] for name in BYTES}
"""The formats of 8 bits."""

# torch indexes no unsigned integers except uint8, and masks no float8.
_INTEGERS = {
    torch.uint16: torch.int16,
    torch.uint32: torch.int32,
    torch.uint64: torch.int64,
    **dict.fromkeys(FLOAT8, torch.uint8),
}


def name_of(x: torch.Tensor) -> str:
    """Return the name of a dtype."""
    return str(x.dtype).removeprefix("torch.")


def indexable(x: torch.Tensor) -> torch.Tensor:
    """Return a view of a tensor in a dtype that torch can index, or the tensor itself."""
    # A conjugated tensor has no view of another dtype, so only views that are needed are made.
    integer = _INTEGERS.get(x.dtype)
    return x if integer is None else x.view(integer)


def store(x: torch.Tensor, values: torch.Tensor) -> None:
    """Copy numbers into a tensor, each rounded once to its dtype."""
    if values.dtype == x.dtype:
        x.copy_(values)
        return
    near = to_odd(xp, values) if rounds_twice(name_of(values), name_of(x)) else values
    if x.dtype in FLOAT8:
        x.view(torch.uint8).copy_(to_bits(xp, near.to(torch.float32), FLOAT8[x.dtype]))
    else:
        x.copy_(near)


def fill(x: torch.Tensor, value: Any) -> None:
    """Set all elements to a Python number that the dtype holds."""
    if x.dtype in FLOAT8:
        # torch's own fill_ has other bits for NaN.
        store(x, x.new_full((), value, dtype=torch.float32))
    else:
        x.fill_(value)


def readable(x: Array) -> Array:
    """Return a tensor that NumPy can read: in float32 if NumPy lacks the format."""
    return x.float() if x.dtype in FLOAT8 or x.dtype == torch.bfloat16 else x
