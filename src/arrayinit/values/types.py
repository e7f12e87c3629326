"""The types of the public functions, for type checkers. At run time they cost nothing and check nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    ParamSpec,
    Protocol,
    SupportsIndex,
    TypeAlias,
    TypedDict,
    TypeVar,
    overload,
)

if TYPE_CHECKING:
    import jax
    from numpy.random import SeedSequence

P = ParamSpec("P")


class SupportsArray(Protocol):
    """What arrays of all libraries have."""

    @property
    def shape(self) -> Any: ...
    @property
    def dtype(self) -> Any: ...
    def __getitem__(self, index: Any, /) -> Any: ...


class SupportsStruct(Protocol):
    """What a `jax.ShapeDtypeStruct` has: the description of an array, without values."""

    @property
    def shape(self) -> Any: ...
    @property
    def dtype(self) -> Any: ...
    @property
    def sharding(self) -> Any: ...


class _HasBitGenerator(Protocol):
    """A generator of NumPy or CuPy."""

    @property
    def bit_generator(self) -> Any: ...


class _HasInitialSeed(Protocol):
    """A generator of torch."""

    def initial_seed(self) -> int: ...


A = TypeVar("A", bound=SupportsArray)

Rng: TypeAlias = (
    "SupportsIndex | Sequence[SupportsIndex] | SeedSequence | SupportsArray | _HasBitGenerator | _HasInitialSeed | None"
)
"""A seed, a JAX key or seeds in an array, a generator, or None for the default of the library."""


class NoMore(TypedDict):
    """The keywords that a function has besides its own: none. At run time they have an error of their own."""


class Function(Protocol[P]):
    """A function that fills its first argument and returns it. JAX's description of an array becomes an array."""

    @overload
    def __call__(self, x: A, /, *args: P.args, **kwargs: P.kwargs) -> A: ...
    @overload
    def __call__(self, x: SupportsStruct, /, *args: P.args, **kwargs: P.kwargs) -> jax.Array: ...


Written = Callable[Concatenate[Any, P], Any]
"""A function that fills, as it is written."""
