"""Objects that hold an array, such as the parameter of a layer: the adapter of the array answers for them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from arrayinit.backends.protocol import Array, Generator, Rebound
from arrayinit.backends.registry import backend_of
from arrayinit.kernels.fill import Fill
from arrayinit.kernels.pieces import Pieces
from arrayinit.stream.seed import Seed


class Container(Rebound):
    """Adapter for objects that hold an array of any library. The array is written, or replaced by a new one.

    The object itself is returned.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> from arrayinit.backends import Container
    >>> class MyWeight:  # An object that holds an array
    ...     def __init__(self, value):
    ...         self.value, self.shape, self.ndim = value, value.shape, value.ndim
    >>> class Weights(Container):
    ...     def accepts(self, cls):
    ...         return cls.__name__ == "MyWeight"
    ...     def held(self, x):
    ...         return x.value
    ...     def hold(self, x, values):
    ...         x.value = values
    >>> arrayinit.register_backend(Weights())
    >>> arrayinit.ones_(MyWeight(np.empty(2))).value
    array([1., 1.])
    """

    @abstractmethod
    def held(self, x: Any) -> Array:
        """Return the array that ``x`` holds; it may be a container, too."""

    @abstractmethod
    def hold(self, x: Any, values: Array) -> None:
        """Let ``x`` hold a new array, of the same shape and dtype."""

    def like(self, x: Any) -> Array:
        """Return an array that has the shape, the dtype and the place of the held array; it is filled.

        This is the held array itself, unless a container has a reason to fill another one.
        """
        return self.held(x)

    def namespace(self, x: Any) -> Any:
        array = self.like(x)
        return backend_of(array).namespace(array)

    def dtype(self, x: Any) -> str:
        array = self.like(x)
        return backend_of(array).dtype(array)

    def check_writable(self, x: Any) -> None:
        array = self.like(x)
        backend_of(array).check_writable(array)

    def generator(self, x: Any, rng: Any) -> Generator | Seed:
        array = self.like(x)
        return backend_of(array).generator(array, rng)

    def read(self, x: Any) -> Iterator[Array]:
        array = self.held(x)
        return backend_of(array).read(array)

    def write(self, x: Any, fill: Fill) -> Any:
        array = self.held(x) if fill.keeps else self.like(x)
        filled = backend_of(array).update(array, fill)
        if filled is not array:
            self.hold(x, filled)
        return x

    def kept(self, x: Any, fill: Pieces) -> Any:
        return self.write(x, fill)


def array_in(x: Any) -> Array:
    """Return the array in a container, or ``x`` itself if it is no container."""
    while isinstance(backend := backend_of(x), Container):
        x = backend.held(x)
    return x
