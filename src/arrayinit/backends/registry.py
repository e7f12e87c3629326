"""Find the backend of an array by its type, without importing a library that is not loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from arrayinit.backends._torch import is_compiling
from arrayinit.backends.arguments import check_plain, instead_of, is_masked
from arrayinit.backends.built_in import ARRAYS, CONTAINERS, STRICT
from arrayinit.backends.packages import accepting, as_backend, of_packages
from arrayinit.backends.protocol import Array, Backend
from arrayinit.backends.releases import is_older, release_of
from arrayinit.core.numbers import TRACERS

NEEDED = {
    "torch": "2.11",
    "jax": "0.10",
    "cupy": "14",
    "dask": "2026.1",
    "mlx": "0.32",
    "tensorflow": "2.21",
    "paddle": "3.3",
    "tinygrad": "0.14",
    "flax": "0.12",
    "keras": "3.0",
}
"""The oldest release of each library that its adapter supports; those of arrays are the extras of pyproject.toml."""

# Registered here, since a number is checked before the adapter of its array is loaded.
TRACERS["torch.compile"] = is_compiling

_registered: list[Backend] = []
_by_type: dict[type, Backend] = {}


def known_backend(cls: type) -> Backend | None:
    """Return the backend of a type that has been asked for before, or None."""
    # The bound method `_by_type.get` would do, but torch.compile of torch 2.11 cannot trace it.
    return _by_type.get(cls)


def backend_of(x: Array) -> Backend:
    """Return the backend of an array."""
    backend = _by_type.get(type(x))
    if backend is None:
        backend = _by_type[type(x)] = _find(type(x))
    return backend


def register_backend(backend: Backend) -> None:
    """Register your own backend, for arrays that no built-in backend accepts.

    A package can do the same without being imported, through the entry-point group ``arrayinit.backends``. The name of
    an entry point is the import name of its library; arrayinit loads it only if this library is loaded. The entry point
    refers to a function without arguments, or a class, that returns the backend. If an entry point cannot be loaded,
    the error for an array that no backend accepts says so. Registered backends come after the built-in backends, and
    before the generic backend for any array API namespace.

    For objects that hold an array of another library, derive from `Container`: its methods `held` and `hold` get and
    set the array, and the backend of the array does the rest.

    Parameters
    ----------
    backend
        An adapter: an instance of a class that derives from `InPlace`, `Replaced`, `Rebound` or `Container` of
        `arrayinit.backends`. If the library has a random generator, the class derives from
        `arrayinit.backends.native.NativeBackend` as well.

    Raises
    ------
    TypeError
        ``backend`` is of another kind.

    Examples
    --------
    >>> import arrayinit
    >>> from arrayinit.backends import Rebound
    >>> class MyBackend(Rebound):
    ...     def accepts(self, cls):
    ...         return cls.__module__.startswith("mylibrary")
    ...     def dtype(self, x):
    ...         return x.dtype.name
    ...     def read(self, x):
    ...         yield x.to_numpy()
    ...     def write(self, x, fill):
    ...         for index, chunk in fill.chunks(x.shape, self.dtype(x)):
    ...             x[index] = chunk
    ...         return x
    >>> arrayinit.register_backend(MyBackend())
    """
    _registered.append(as_backend(backend))
    # The new backend may accept types that the generic backend took before.
    _by_type.clear()


def libraries() -> dict[str, Callable[[], Backend]]:
    """Return a function that loads the adapter, for each supported library, by the import name of its package."""
    return {name.partition(".")[0]: load for name, load in (*ARRAYS.items(), *of_packages(), STRICT)}


def _find(cls: type) -> Backend:
    # Only a library that a class comes from is asked, so that a library which is broken breaks no other.
    packages = _packages(cls)
    for library, load in (*ARRAYS.items(), *CONTAINERS.items()):
        if _is_of(library, packages) and _is_supported(library, cls) and load().accepts(cls):
            return load()
    failures: list[str] = []
    backend = next(_others(cls, failures), None)
    if backend is not None:
        return backend
    if is_masked(cls):
        check_plain(cls, "x")
    raise TypeError(
        "x must be an array of NumPy, torch, JAX (or a jax.ShapeDtypeStruct), CuPy, Dask, MLX, TensorFlow, Paddle, "
        "tinygrad, or of a library that follows the array API standard, or a jax.Ref, a variable of Flax nnx or Keras, "
        f"or a DataArray of xarray; got {cls.__module__}.{cls.__qualname__}{instead_of(cls)}{''.join(failures)}"
    )


def _packages(cls: type) -> tuple[str, ...]:
    """Return the packages that define a class and its bases."""
    return tuple(str(base.__module__).partition(".")[0] for base in cls.__mro__)


# torch.compile cannot trace what a Parameter's class says of itself. So it calls the function instead, and takes the
# result as a constant, by the attribute that torch.compiler.assume_constant_result sets.
vars(_packages)["_dynamo_marked_constant"] = True


def _is_of(library: str, packages: tuple[str, ...]) -> bool:
    """Whether one of these packages may define arrays of the library. JAX arrays are defined in jaxlib."""
    package = library.partition(".")[0]
    return package in packages or f"{package}lib" in packages


# The libraries that are loaded, of a release that the adapter supports. sys.modules is asked once for each of them:
# torch.compile reads all of it, and fails if another thread loads a module meanwhile.
_supported: set[str] = set()


def _is_supported(library: str, cls: type) -> bool:
    """Whether the library is loaded. Raise ImportError for an array of a release that is too old."""
    if library in _supported:
        return True
    # sys.modules has None for a library whose import is blocked.
    if sys.modules.get(library) is None:
        return False
    package = library.partition(".")[0]
    needed, found = NEEDED.get(package), release_of(library)
    if needed is None or found is None or not is_older(found, needed):
        _supported.add(library)
        return True
    wanted = f"arrayinit[{package}]" if library in ARRAYS else f"{package}>={needed}"
    raise ImportError(
        f"arrayinit needs {package} >= {needed} for an array of type {cls.__module__}.{cls.__qualname__}, but "
        f"{package} {found} is installed: upgrade it, as by pip install --upgrade '{wanted}'",
        name=package,
    )


def _others(cls: type, failures: list[str]) -> Iterator[Backend]:
    """Yield the other adapters that accept a class; tell in ``failures`` which of them cannot answer."""
    yield from (backend for backend in _registered if backend.accepts(cls))
    yield from accepting(cls, failures)
    # Imported here: it takes as long as NumPy's adapter, and most calls need only that one.
    from arrayinit.backends._array_api import REPLACED, WRITABLE

    yield from (backend for backend in (WRITABLE, REPLACED) if backend.accepts(cls))
