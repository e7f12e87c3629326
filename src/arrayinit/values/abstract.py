"""Arrays without memory. To fill one is to ask what an initializer would do: the result is the fill itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from arrayinit.backends.protocol import Replaced
from arrayinit.backends.registry import backend_of, register_backend
from arrayinit.kernels.fill import Fill


class Abstract:
    """The shape and the dtype of an array. The generators are those of the array ``like``, or none."""

    __slots__ = ("dtype", "like", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: str, like: Any = None) -> None:
        self.shape, self.dtype, self.like = shape, dtype, like

    @classmethod
    def taking(cls, arguments: Mapping[str, Any], shape: tuple[int, ...]) -> Abstract:
        """Return an array of a dtype that holds the numbers among the arguments."""
        is_complex = any(isinstance(argument, complex) for argument in arguments.values())
        return cls(shape, "complex128" if is_complex else "float64")

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)


class _Backend(Replaced):
    """Takes every generator and seed where no array is known, and writes nothing."""

    def accepts(self, cls: type) -> bool:
        return cls is Abstract

    def dtype(self, x: Abstract) -> str:
        return x.dtype

    def generator(self, x: Abstract, rng: Any) -> Any:
        return None if x.like is None else backend_of(x.like).generator(x.like, rng)

    def read(self, x: Abstract) -> Iterator[Any]:
        raise TypeError("an abstract array has no values")

    def write(self, x: Abstract, fill: Fill) -> Fill:
        return fill


register_backend(_Backend())
