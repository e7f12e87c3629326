"""From the type of an array to its backend, without importing a library that is not loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from arrayinit.backends.protocol import Array, Backend, Drawing

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


def _generic() -> Backend:
    from arrayinit.backends._array_api import BACKEND

    return BACKEND


# A library that is not loaded cannot have made the array. Import statements, unlike importlib, can be traced by
# torch.compile.
_BUILT_IN = {"numpy": _numpy, "torch": _torch, "jax": _jax, "cupy": _cupy, "dask.array": _dask}

_registered: list[Backend] = []
_by_type: dict[type, Backend] = {}


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
        An object with the methods of `arrayinit.backends.protocol.Backend`, or, if its library has a random generator,
        of `arrayinit.backends.protocol.Drawing`.

    Raises
    ------
    TypeError
        The object lacks one of the methods.

    Examples
    --------
    >>> import arrayinit
    >>> from arrayinit.backends._array_api import Generic
    >>> class MyBackend(Generic):
    ...     def accepts(self, cls):
    ...         return cls.__module__.startswith("mylibrary")
    >>> arrayinit.register_backend(MyBackend())
    """
    protocol = Drawing if hasattr(backend, "draw") else Backend
    missing = sorted(name for name in _members(protocol) if not hasattr(backend, name))
    if missing:
        raise TypeError(f"backend {backend!r} lacks {', '.join(missing)}; see arrayinit.backends.protocol")
    _registered.append(backend)
    # What the generic backend took before may be this one's.
    _by_type.clear()


def _members(protocol: type) -> set[str]:
    return {name for base in protocol.__mro__ for name in vars(base) if not name.startswith("_")}


def _find(cls: type) -> Backend:
    for library, load in _BUILT_IN.items():
        # None stands there for a library whose import is blocked.
        if sys.modules.get(library) is not None and load().accepts(cls):
            return load()
    for backend in _others():
        if backend.accepts(cls):
            return backend
    raise TypeError(
        f"x must be an array of NumPy, torch, JAX (or a jax.ShapeDtypeStruct), CuPy, Dask, or of a library that "
        f"follows the array API standard; got {cls.__module__}.{cls.__qualname__}"
    )


def _others() -> Iterator[Backend]:
    yield from _registered
    # Imported here: it takes longer than all of arrayinit, and arrays of the built-in backends never need it.
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        # A library that is not loaded cannot have made the array.
        if point.name in sys.modules:
            yield point.load()()
    yield _generic()
