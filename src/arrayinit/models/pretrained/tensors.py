"""The tensors of a checkpoint. Each is read when it is needed, whole or by a slice."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from arrayinit.kernels.rounding import BEYOND_NUMPY, memory_dtype
from arrayinit.stream.box import Index, whole_index

Array = Any
Host = np.ndarray[Any, Any]

FORMATS = {
    "BOOL": "bool",
    **{f"{kind}{bits}": f"{name}{bits}" for kind, name in (("I", "int"), ("U", "uint")) for bits in (8, 16, 32, 64)},
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "BF16": "bfloat16",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}
"""The dtypes that a safetensors file names and arrayinit knows."""


def dtype_of(code: str) -> str:
    """Return the name of a dtype of a safetensors file. A code that is not known stays as it is."""
    return FORMATS.get(code, code)


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor of a checkpoint."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    origin: str
    """The file, or "pretrained"."""
    read: Callable[[Index], Array]
    """Returns the box at an index."""
    layout: str | None = None
    """The meaning of each axis, if the tensor is a parameter of a model that tells it."""
    groups: int = 1
    array: Array = None
    """The array itself, if it is in memory."""
    check: Callable[[], object] | None = None
    """Raises the error of its library if the file has been closed."""

    @property
    def whole(self) -> Index:
        """The index of all elements."""
        return whole_index(self.shape)


def as_array(memory: Host, shape: tuple[int, ...], dtype: str, as_tensor: bool = False) -> Array:
    """Return bytes as an array of NumPy, or as a tensor of torch, of this shape and dtype, without a copy.

    In NumPy, bfloat16 and float8 need ml_dtypes. Where ml_dtypes is not installed, the array is a tensor.
    """
    is_beyond = dtype in BEYOND_NUMPY
    held = np.dtype(memory_dtype(dtype) if is_beyond else dtype)
    # Memory of no bytes may have no address.
    plain: Host = memory.view(held.newbyteorder("<")) if memory.size else np.empty(0, held)
    torch: Any = sys.modules.get("torch")
    if as_tensor or (is_beyond and torch is not None and find_spec("ml_dtypes") is None):
        return torch.from_numpy(plain).view(getattr(torch, dtype)).reshape(shape)
    return (_narrow(plain, dtype) if is_beyond else plain).reshape(shape)


def _narrow(bits: Host, dtype: str) -> Host:
    """Return the numbers that have these bits."""
    try:
        import ml_dtypes
    except ImportError:
        raise ImportError(f"{dtype} needs ml_dtypes, as by pip install ml_dtypes", name="ml_dtypes") from None
    numbers: Host = bits.view(getattr(ml_dtypes, dtype))
    return numbers
