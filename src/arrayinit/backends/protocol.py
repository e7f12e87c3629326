"""What an adapter must do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FloatFormat

if TYPE_CHECKING:
    from arrayinit.kernels.draw import Draw

Array = Any
"""An array of whichever library; the one thing that this package cannot know statically."""

Generator = Any
"""A source of random numbers, of the array's own library or NumPy's."""


class Backend(Protocol):
    """Reads what must be known of an array, and writes into it.

    Every method that writes returns the filled array: ``x`` itself where ``x`` can be written, and a new array of the
    same shape and dtype where it cannot. `where_it_lives` brings that to the device and sharding of ``x``.
    """

    def accepts(self, cls: type) -> bool:
        """Whether arrays of this type belong to this backend."""
        ...

    def namespace(self, x: Array) -> Any:
        """Return the array API namespace of ``x``."""
        ...

    def dtype(self, x: Array) -> str:
        """Return the array API's name of the dtype of ``x``, "bfloat16" included."""
        ...

    def check_writable(self, x: Array) -> None:
        """Raise ValueError if ``x`` can neither be written nor replaced."""
        ...

    def where_it_lives(self, x: Array, body: Callable[[Array], Array]) -> Array:
        """Return ``body(x)`` as computed on, or brought to, the device and sharding of ``x``."""
        ...

    def generator(self, x: Array, rng: Any) -> Generator:
        """Return the generator that ``rng`` means for ``x``: the library's own, or a NumPy one."""
        ...

    def fill(self, x: Array, value: complex) -> Array:
        """Set every element to ``value``."""
        ...

    def assign(self, x: Array, values: Array) -> Array:
        """Set ``x`` to ``values``, an array of this backend of the same shape, rounded to the dtype of ``x``."""
        ...

    def exports(self, x: Array) -> Iterator[Array]:
        """Yield forms in which other libraries may read ``x``, for DLPack first, and a NumPy array last.

        Raises TypeError where the values of ``x`` are not known.
        """
        ...

    def copy(self, x: Array, source: Array) -> Array:
        """Set ``x`` to ``source``, of this backend or of NumPy and of the same shape, and share no memory with it.

        Rounded once, and from any memory layout and device.
        """
        ...

    def put(self, x: Array, index: tuple[Any, ...], value: complex) -> Array:
        """Set ``x[index]`` to ``value`` and leave the rest; ``index`` holds integers, slices and what `arange` gave."""
        ...

    def arange(self, x: Array, count: int) -> Array:
        """Return the integers below ``count``, to index ``x`` with."""
        ...

    def host(self, x: Array) -> np.ndarray[Any, Any] | None:
        """Return a writable NumPy view of the memory of ``x``, of bfloat16 as uint16; None where there is none."""
        ...

    def portable(self, x: Array, draw: Draw) -> Array:
        """Fill ``x`` with the portable stream."""
        ...

    def from_host(self, x: Array, values: np.ndarray[Any, Any]) -> Array:
        """Bring a NumPy array to the device of ``x``."""
        ...


class Lazy(Backend, Protocol):
    """A backend whose arrays are made when they are asked for, in parts and perhaps again; so None means a new seed."""

    def later(self, x: Array, dtype: str, make: Callable[[], np.ndarray[Any, Any]]) -> Array:
        """Return an array as ``x`` with the values of what ``make``, asked at the time, returns in this dtype."""
        ...


class Drawing(Backend, Protocol):
    """A backend whose library has a random generator of its own. The others are drawn by NumPy on the host."""

    def draw(self, x: Array, distribution: Distribution, generator: Generator, form: FloatFormat) -> Array:
        """Fill ``x`` with independent draws, within the distribution's bounds even when rounded to ``form``."""
        ...

    def split(self, generator: Generator, count: int) -> list[Generator]:
        """Return ``count`` generators for draws that must be independent of each other."""
        ...

    def put(self, x: Array, index: tuple[Any, ...], value: Array | complex) -> Array:
        """As in `Backend`, and with an array of values."""
        ...

    def empty(self, x: Array, shape: tuple[int, ...], dtype: str) -> Array:
        """Return something on the device of ``x`` that `draw` can fill."""
        ...

    def subsets(self, x: Array, count: int, generator: Generator) -> tuple[Array, Array]:
        """Choose ``count`` rows of each column of a matrix; return their numbers, (count, columns), and the columns'.

        Each choice is uniform among all of that size, and independent of the other columns'.
        """
        ...

    def orthonormal(self, matrix: Array, generator: Generator) -> Array:
        """Return Q of the QR decomposition with a positive diagonal of R; of a wide matrix that of its transpose.

        In the dtype of the matrix, or a wider one; it is normal, drawn with ``generator``, which may be a seed.
        """
        ...
