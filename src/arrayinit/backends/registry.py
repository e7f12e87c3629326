"""From the type of an array to its backend, without importing a library that is not loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from arrayinit.backends.arguments import check_plain, is_masked
from arrayinit.backends.protocol import Array, Backend

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "arrayinit.backends"


def _numpy() -> Backend:
    from arrayinit.backends._numpy import BACKEND

    return BACKEND


def _torch() -> Backend:
    from arrayinit.backends._torch.backend import BACKEND

    return BACKEND


def _jax() -> Backend:
    from arrayinit.backends._jax.backend import BACKEND

    return BACKEND


def _cupy() -> Backend:
    from arrayinit.backends._cupy import BACKEND

    return BACKEND


def _dask() -> Backend:
    from arrayinit.backends._dask import BACKEND

    return BACKEND


def _strict() -> Backend:
    from arrayinit.backends._array_api import WRITABLE

    return WRITABLE


# It stands for all libraries that follow the standard, and is asked for arrays after all others.
_STRICT = ("array_api_strict", _strict)

# A library that is not loaded cannot have made the array. Import statements, unlike importlib, can be traced by
# torch.compile.
_BUILT_IN = {"numpy": _numpy, "torch": _torch, "jax": _jax, "cupy": _cupy, "dask.array": _dask}

NEEDED = {"torch": "2.11", "jax": "0.10", "cupy": "14", "dask": "2026.1"}
"""The oldest release of each library that its adapter works with, as in the extras of pyproject.toml."""

_registered: list[Backend] = []
_by_type: dict[type, Backend] = {}

known_backend = _by_type.get
"""The backend of a type that has been asked for before, or None."""


def backend_of(x: Array) -> Backend:
    """Return the backend of an array."""
    backend = _by_type.get(type(x))
    if backend is None:
        backend = _by_type[type(x)] = _find(type(x))
    return backend


def register_backend(backend: Backend) -> None:
    """Make a backend of your own known, for arrays that no built-in backend accepts.

    A package can do the same without being imported, through the entry-point group ``arrayinit.backends``: each entry
    point has the import name of its library, which is asked only if that is loaded, and names a function of no
    arguments, or a class, that returns the backend. Both are asked after the built-in backends for NumPy, torch, JAX,
    CuPy and Dask, and before the generic one for any array with an array API namespace.

    Parameters
    ----------
    backend
        An adapter: an instance of a class that derives from `InPlace`, `Replaced` or `Rebound` of
        `arrayinit.backends.protocol`, and from `arrayinit.backends.native.NativeBackend` too if its library has a
        random generator.

    Raises
    ------
    TypeError
        ``backend`` is of another kind.

    Examples
    --------
    >>> import arrayinit
    >>> from arrayinit.backends._array_api import WritableArrayAPI
    >>> class MyBackend(WritableArrayAPI):
    ...     def accepts(self, cls):
    ...         return cls.__module__.startswith("mylibrary")
    >>> arrayinit.register_backend(MyBackend())
    """
    if not isinstance(backend, Backend):
        raise TypeError(
            f"a backend must derive from arrayinit.backends.InPlace, Replaced or Rebound, got {backend!r} of type "
            f"{type(backend).__qualname__}"
        )
    _registered.append(backend)
    # What the generic backend took before may be this one's.
    _by_type.clear()


def libraries() -> dict[str, Callable[[], Backend]]:
    """Return what loads the adapter of each library that has one, by the import name of the library's package."""
    return {name.partition(".")[0]: load for name, load in (*_BUILT_IN.items(), *_entry_points(), _STRICT)}


def _entry_points() -> Iterator[tuple[str, Callable[[], Backend]]]:
    """Yield the import name of the library of each entry point, and what loads its adapter."""
    # Imported here: it takes longer than all of arrayinit, and arrays of the built-in backends never need it.
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        yield point.name, partial(_loaded, point)


def _loaded(point: EntryPoint) -> Backend:
    backend: Backend = point.load()()
    return backend


def _find(cls: type) -> Backend:
    for library, load in _BUILT_IN.items():
        # None stands there for a library whose import is blocked.
        if sys.modules.get(library) is not None and _is_new_enough(library, cls) and load().accepts(cls):
            return load()
    for backend in _others():
        if backend.accepts(cls):
            return backend
    if is_masked(cls):
        check_plain(cls, "x")
    raise TypeError(
        f"x must be an array of NumPy, torch, JAX (or a jax.ShapeDtypeStruct), CuPy, Dask, or of a library that "
        f"follows the array API standard; got {cls.__module__}.{cls.__qualname__}"
    )


def _is_new_enough(library: str, cls: type) -> bool:
    """Whether the adapter works with this release; where it does not, an array of the library is an error."""
    package = library.partition(".")[0]
    needed, found = NEEDED.get(package), getattr(sys.modules[package], "__version__", None)
    if needed is None or found is None or _release(str(found)) >= _release(needed):
        return True
    # jaxlib has the arrays of JAX.
    if any(base.__module__.partition(".")[0] in (package, f"{package}lib") for base in cls.__mro__):
        raise ImportError(
            f"arrayinit needs {package} >= {needed} for an array of type {cls.__module__}.{cls.__qualname__}, but "
            f"{package} {found} is installed: upgrade it, as by pip install --upgrade 'arrayinit[{package}]'",
            name=package,
        )
    return False


def _release(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version."""
    return tuple([int("".join([c for c in part if c.isdecimal()]) or 0) for part in version.split(".")[:2]])


def _others() -> Iterator[Backend]:
    yield from _registered
    for name, load in _entry_points():
        # A library that is not loaded cannot have made the array.
        if name in sys.modules:
            yield load()
    # Imported here: it takes as long as NumPy's adapter, which most calls need alone.
    from arrayinit.backends._array_api import REPLACED, WRITABLE

    yield from (WRITABLE, REPLACED)
