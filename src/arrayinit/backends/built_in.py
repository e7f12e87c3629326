"""The adapters that arrayinit has, each with the function that loads it.

torch.compile can trace import statements, but not importlib.
"""

from __future__ import annotations

from collections.abc import Callable

from arrayinit.backends.protocol import Backend


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


def _keras() -> Backend:
    from arrayinit.backends._keras import BACKEND

    return BACKEND


def _flax() -> Backend:
    from arrayinit.backends._flax import BACKEND

    return BACKEND


def _refs() -> Backend:
    from arrayinit.backends._jax.refs import BACKEND

    return BACKEND


def _xarray() -> Backend:
    from arrayinit.backends._xarray import BACKEND

    return BACKEND


def _mlx() -> Backend:
    from arrayinit.backends._mlx import BACKEND

    return BACKEND


def _tinygrad() -> Backend:
    from arrayinit.backends._tinygrad import BACKEND

    return BACKEND


def _paddle() -> Backend:
    from arrayinit.backends._paddle import BACKEND

    return BACKEND


def _tensorflow() -> Backend:
    from arrayinit.backends._tensorflow.backend import BACKEND

    return BACKEND


def _tensorflow_variables() -> Backend:
    from arrayinit.backends._tensorflow.variables import VARIABLES

    return VARIABLES


def _cubed() -> Backend:
    from arrayinit.backends._cubed import BACKEND

    return BACKEND


def _strict() -> Backend:
    from arrayinit.backends._array_api import STRICT

    return STRICT


# The adapter for all libraries that follow the standard. It is asked after all other adapters.
STRICT = ("array_api_strict", _strict)

# By the import name of the library.
ARRAYS: dict[str, Callable[[], Backend]] = {
    "numpy": _numpy,
    "torch": _torch,
    "jax": _jax,
    "cupy": _cupy,
    "dask.array": _dask,
    "mlx.core": _mlx,
    "tinygrad": _tinygrad,
    "paddle": _paddle,
    "tensorflow": _tensorflow,
    "cubed": _cubed,
}

# The adapters for objects that hold an array, by the module that defines the objects.
CONTAINERS: dict[str, Callable[[], Backend]] = {
    # A variable of Keras may be one of Flax, too.
    "keras": _keras,
    "flax.nnx": _flax,
    "jax": _refs,
    "xarray": _xarray,
    "tensorflow": _tensorflow_variables,
}
