"""The tensors of a checkpoint. Each is read when it is needed, whole or by a slice."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from arrayinit.kernels.rounding import BEYOND_NUMPY, memory_dtype
from arrayinit.stream.box import Index

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

    @property
    def whole(self) -> Index:
        """The index of all elements."""
        return tuple(slice(0, size) for size in self.shape)


def as_array(memory: Host, shape: tuple[int, ...], dtype: str) -> Array:
    """Return bytes as an array of this shape and dtype, without a copy.

    It is an array of NumPy. bfloat16 and float8 need ml_dtypes; where ml_dtypes is not installed, it is a tensor.
    """
    plain: Host = memory.view(np.dtype(memory_dtype(dtype) if dtype in BEYOND_NUMPY else dtype).newbyteorder("<"))
    if dtype in BEYOND_NUMPY:
        return _beyond_numpy(plain.view(plain.dtype.newbyteorder("=")), dtype).reshape(shape)
    return plain.reshape(shape)


def _beyond_numpy(bits: Host, dtype: str) -> Array:
    """Return the numbers that have these bits."""
    try:
        import ml_dtypes
    except ImportError:
        torch: Any = sys.modules.get("torch")
        if torch is None:
            raise ImportError(
                f"a tensor of {dtype} needs ml_dtypes, as by pip install 'arrayinit[safetensors]'", name="ml_dtypes"
            ) from None
        return torch.from_numpy(bits).view(getattr(torch, dtype))
    return bits.view(getattr(ml_dtypes, dtype))
