"""The protocol of an adapter: describe an array, read its values, and write a fill into it."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from arrayinit.backends.arguments import numpy_generator
from arrayinit.backends.device import Device
from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FloatFormat
from arrayinit.kernels.fill import Fill
from arrayinit.stream.box import Index
from arrayinit.stream.seed import Seed

if TYPE_CHECKING:
    from arrayinit.kernels.pieces import Pieces

Array = Any
"""An array of any library: the one type that this package cannot know statically."""

Generator = Any
"""A random generator of the array's own library, or of NumPy."""


class Prepared(NamedTuple):
    """What arguments, shape and dtype decide about a draw: arrays that are alike need it only once."""

    distribution: Distribution
    dtype: FloatFormat
    shape: tuple[int, ...]
    """The shape of the logical array."""
    order: tuple[int, ...] | None
    """The axes of the logical array in the array; None if they are in order."""
    law: bytes | None = None
    """The program of the compiled core; None if there is none, or several threads are faster."""
    kept: dict[Any, Any] | None = None
    """What the backend itself keeps for arrays that are alike, if anything is kept."""


class Backend(ABC):
    """The adapter of one library. Derive from `InPlace`, `Replaced` or `Rebound`, which say how arrays are filled.

    Examples
    --------
    Derive from one of the three, and write four methods:

    >>> from arrayinit.backends import Backend, InPlace
    >>> sorted(InPlace.__abstractmethods__), issubclass(InPlace, Backend)
    (['accepts', 'dtype', 'read', 'write'], True)
    """

    @abstractmethod
    def accepts(self, cls: type) -> bool:
        """Whether arrays of this type belong to this backend."""

    def devices(self) -> Iterator[Device]:
        """Yield the devices of this machine on which the command line tries the library; none by default."""
        return iter(())

    def namespace(self, x: Array) -> Any:
        """Return the array API namespace of ``x``, or the package of its class if there is none."""
        import array_api_compat

        with suppress(TypeError):
            return array_api_compat.array_namespace(x)
        return sys.modules.get(type(x).__module__.partition(".")[0])

    @abstractmethod
    def dtype(self, x: Array) -> str:
        """Return the array API's name of the dtype of ``x``, or a name such as "bfloat16" or "float8_e5m2"."""

    def check_writable(self, x: Array) -> None:  # noqa: B027
        """Raise if ``x`` can be neither written nor replaced, for example a read-only array."""

    def kind(self, x: Array) -> Hashable:
        """Return what arguments are checked against, equal for arrays that are alike; None to check them anew."""
        return None

    def fill_at_once(self, x: Array, prepared: Prepared, source: Generator | int | Seed | None) -> Array | None:
        """As `write`, the short way; return None if something speaks against it. Asked where `kind` is not None.

        ``source`` is a generator, a seed below 2^64, a `Seed` or None. An OverflowError, without a write, says that the
        compiled core does not take such a seed.
        """
        return None

    def generator(self, x: Array, rng: Any) -> Generator | Seed:
        """Return the generator that ``rng`` means for ``x``; ``rng`` is None or a generator, never a seed.

        A lazy library may compute a chunk more than once, so it returns a fresh seed for None.
        """
        return numpy_generator(rng, f"{type(x).__module__.partition('.')[0]} arrays")

    @abstractmethod
    def read(self, x: Array) -> Iterator[Array]:
        """Yield ``x`` in forms that other libraries can read: arrays for DLPack first, and a NumPy array last.

        Raises TypeError if ``x`` has no values, for example a traced array.
        """

    @abstractmethod
    def write(self, x: Array, fill: Fill) -> Array:
        """Fill ``x`` and return it, or return a filled array of the same shape, dtype, device and sharding."""

    def update(self, x: Array, fill: Fill) -> Array:
        """As `write`, for any fill: one that keeps elements goes to `kept`."""
        # Only pieces keep elements.
        pieces: Any = fill
        return self.kept(x, pieces) if fill.keeps else self.write(x, fill)

    def kept(self, x: Array, fill: Pieces) -> Array:
        """As `write`, but leave the elements as they are that the fill keeps.

        The host joins all elements. Override this where the library can do so itself.
        """
        # Imported here: most programs keep no elements.
        import numpy as np

        from arrayinit.kernels.table import Table

        *_, host = self.read(x)
        values = np.array(host)
        for index, chunk in fill.chunks(values.shape, self.dtype(x)):
            values[index] = chunk
        return self.write(x, Table(values))


class Sharded(Backend):
    """Arrays may be sharded over devices or processes: torch, JAX."""

    @abstractmethod
    def by_shard(self, x: Array, fill: Callable[[Array, Index], Array]) -> Array:
        """Fill each shard of ``x`` in this process by ``fill(shard, index)``; return ``x``, or a new array.

        An array that is not sharded is one shard. A library may ask for the same shard twice.
        """


class InPlace(Backend):
    """Arrays are written in place, and slices are views: NumPy, torch, CuPy.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> from arrayinit.backends import InPlace
    >>> class MyCell:  # An array of a library that has no adapter
    ...     def __init__(self, *shape):
    ...         self.data, self.shape, self.ndim = np.empty(shape, "float32"), shape, len(shape)
    >>> class Cells(InPlace):
    ...     def accepts(self, cls):
    ...         return cls.__name__ == "MyCell"
    ...     def dtype(self, x):
    ...         return "float32"
    ...     def read(self, x):
    ...         yield x.data
    ...     def write(self, x, fill):
    ...         for index, chunk in fill.chunks(x.shape, "float32"):
    ...             x.data[index] = chunk
    ...         return x
    >>> arrayinit.register_backend(Cells())
    >>> x = MyCell(2, 3)
    >>> arrayinit.ones_(x) is x, float(x.data.sum())
    (True, 6.0)
    """

    def kept(self, x: Array, fill: Pieces) -> Array:
        """As `write`: the chunks of a fill leave out the elements that it keeps."""
        return self.write(x, fill)


class Replaced(Backend):
    """Arrays cannot be written, and a new one is returned: JAX, Dask.

    Examples
    --------
    >>> import arrayinit
    >>> from arrayinit.backends import Replaced
    >>> class MyFrozen(tuple):  # A vector that cannot be written
    ...     shape, ndim = property(lambda self: (len(self),)), 1
    >>> class FrozenVectors(Replaced):
    ...     def accepts(self, cls):
    ...         return cls.__name__ == "MyFrozen"
    ...     def dtype(self, x):
    ...         return "float64"
    ...     def read(self, x):
    ...         import numpy as np
    ...         yield np.array(tuple(x))
    ...     def write(self, x, fill):
    ...         return MyFrozen(fill.whole(x.shape, "float64").tolist())
    >>> arrayinit.register_backend(FrozenVectors())
    >>> arrayinit.ones_(MyFrozen([0.0, 0.0]))
    (1.0, 1.0)
    """


class Rebound(Backend):
    """Arrays are written, but slices are copies: MLX.

    Examples
    --------
    >>> import arrayinit
    >>> from arrayinit.backends import Rebound
    >>> class MyList(list):  # A vector: a slice of a list is a copy
    ...     shape, ndim = property(lambda self: (len(self),)), 1
    >>> class Lists(Rebound):
    ...     def accepts(self, cls):
    ...         return cls.__name__ == "MyList"
    ...     def dtype(self, x):
    ...         return "float64"
    ...     def read(self, x):
    ...         import numpy as np
    ...         yield np.array(list(x))
    ...     def write(self, x, fill):
    ...         x[:] = fill.whole(x.shape, "float64").tolist()
    ...         return x
    >>> arrayinit.register_backend(Lists())
    >>> arrayinit.ones_(MyList([0.0, 0.0]))
    [1.0, 1.0]
    """
