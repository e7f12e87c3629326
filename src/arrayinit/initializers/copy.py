"""copy_: the values come from another array, of any library."""

from __future__ import annotations

import re
from contextlib import suppress
from numbers import Number
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from arrayinit.backends.arguments import check_plain
from arrayinit.backends.container import Container, array_in
from arrayinit.backends.protocol import Array, Backend
from arrayinit.backends.registry import backend_of
from arrayinit.core.dtypes import NAMES, fill_value, wider
from arrayinit.core.keywords import misnamed
from arrayinit.initializers.fill import write
from arrayinit.kernels.table import Table
from arrayinit.values.definitions import fills

if TYPE_CHECKING:
    from arrayinit.values.types import NoMore

# What libraries raise where they cannot take an array by DLPack.
_REFUSALS = (AttributeError, BufferError, RuntimeError, TypeError, ValueError)

# What an adapter raises for an array that cannot be used as it is.
_STATES = (RuntimeError, TypeError, ValueError)

_NUMBERS = (bool, int, float, complex)

_KINDS = ("a boolean", "an integer", "a real", "a complex")


@fills
def copy_(x: Array, source: Any, **wrong: Unpack[NoMore]) -> Array:
    """Fill ``x`` with the values of ``source``, an array of any library, such as pretrained weights.

    Each value is rounded once to the dtype of ``x``: to nearest, ties to even.

    Parameters
    ----------
    x
        Array of any shape and dtype of the array API, or float16, bfloat16, float8_e4m3fn, float8_e5m2,
        float8_e4m3fnuz or float8_e5m2fnuz.
    source
        Array of the same shape, of any library, on any device; a nested sequence of numbers or arrays; a number, if the
        shape of ``x`` is ``()``. Its dtype must be of the same kind as that of ``x``, or of a lower kind, in the order
        boolean, integer, real, complex. ``source`` may overlap ``x``. ``x`` shares no memory with it afterwards.

    Returns
    -------
    Array
        ``x`` itself, filled. For JAX, Dask and TensorFlow's tensors, a new array of the same shape, dtype and sharding.

    Raises
    ------
    TypeError
        ``x`` is not an array. ``source`` has no numbers, or no values yet (a meta or fake tensor, a
        `jax.ShapeDtypeStruct`, a tracer outside its trace), or no number at some index (a sparse, nested or masked
        tensor). ``source`` is of a higher kind than ``x``. The copy would lose a part of ``source``: the mask of
        `numpy.ma`, or the units of another subclass of NumPy's array. torch cannot copy a tensor that wraps others.
    RuntimeError
        The memory of a tensor was freed.
    ValueError
        The shapes differ (nothing is broadcast); an integer does not fit an integer dtype; a ragged ``source``; a
        read-only ``x``.

    Notes
    -----
    Infinities, NaNs, signed zeros and subnormal numbers are kept. As in IEEE 754, a finite number becomes infinite from
    half a unit past the largest number of the dtype on. A tiny number becomes subnormal or zero.

    Of the float8 dtypes, only float8_e5m2 has infinities. In the others, a number too large becomes NaN, and so does an
    infinity, as in ml_dtypes. `torch.Tensor.to` saturates in float8_e4m3fn: it gives 448. The two dtypes whose names
    end in fnuz have no -0.

    An array on an accelerator stays there if both libraries support DLPack on it; otherwise it passes through the host.
    Under `jax.jit`, XLA converts. On the CPU, XLA treats subnormal numbers of float32 and bfloat16 as zero if it
    converts from or to float64. On any device, conversions from wide integers and float64 to bfloat16 do the same.
    Under `jax.jit` and `torch.compile`, values are unknown: an integer dtype accepts only dtypes whose every value
    fits.

    Under `torch.compile`, ``source`` must be a tensor. For a DTensor, ``source`` must be the same on all processes.
    Each process keeps its own shard.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> arrayinit.copy_(np.empty((2, 2), "float16"), [[1, 2], [3, 1 / 3]])
    array([[1.    , 2.    ],
           [3.    , 0.3333]], dtype=float16)

    References
    ----------
    Consortium for Python Data API Standards, "Python array API standard", "Data interchange mechanisms", 2021.
    DLPack contributors, "DLPack: Open In Memory Tensor Structure", 2017. IEEE, "Standard for Floating-Point
    Arithmetic", IEEE 754-2019, section 4.3.1.
    """
    if wrong:
        raise misnamed(copy_, wrong)
    target = array_in(x)
    backend = backend_of(target)
    dtype = backend.dtype(target)
    fill_value(dtype, 1)
    values = _readable(backend, target, source)
    given = _known(backend_of(values).dtype(values), source)
    if tuple(values.shape) != tuple(x.shape):
        raise ValueError(
            f"source has shape {tuple(values.shape)}, but x has shape {tuple(x.shape)}; they must be equal, "
            "as nothing is broadcast"
        )
    _check_dtype(values, given, dtype)
    return write(x, Table(values, backend_of(values).read))


def _readable(backend: Backend, x: Array, source: Any) -> Array:
    """Return the source as an array of the library of ``x``, without a copy where it can be, or else of NumPy."""
    given = _backend_of_source(source)
    if isinstance(given, Container):
        return _readable(backend, x, array_in(source))
    if given is None or given.namespace(source) is np:
        _check_classes(source)
    _check_numbers(given, source)
    # The generic backend has arrays of many libraries.
    if given is backend and backend.namespace(source) is backend.namespace(x):
        return source
    try:
        readable = _without_arrays(source) if isinstance(source, (list, tuple)) else source
        for form in (given or _numpy_reader()).read(readable):
            if isinstance(form, np.ndarray):
                return form
            with suppress(*_REFUSALS):
                arrived = backend.namespace(x).from_dlpack(form)
                # Without x64 JAX would round, and cut off integers.
                if backend.dtype(arrived) == str(form.dtype).rpartition(".")[2]:
                    return arrived
    except ValueError as error:
        raise ValueError(f"source must be an array, or a nested sequence of numbers without gaps: {error}") from error
    except (BufferError, RuntimeError, TypeError) as error:
        name = str(getattr(source, "dtype", "")).rpartition(".")[2]
        dtype = f", of dtype {name}," if wider(name) else ""
        # As an adapter says of memory that was freed.
        kind = RuntimeError if isinstance(error, RuntimeError) else TypeError
        raise kind(
            f"source of type {type(source).__qualname__}{dtype} cannot be read: {error}{_detour(name)}"
        ) from error
    raise AssertionError("the last form is an array of NumPy")


def _check_classes(source: Any, name: str = "source") -> None:
    """Raise TypeError if a NumPy array, which may be a part of a sequence, has elements that are more than numbers."""
    if isinstance(source, (list, tuple)):
        for i, part in enumerate(source):
            # Most are numbers.
            if type(part) not in (float, int):
                _check_classes(part, f"{name}[{i}]")
    else:
        check_plain(type(source), name)


def _backend_of_source(source: Any) -> Backend | None:
    if isinstance(source, (list, tuple, Number)):
        return None
    with suppress(TypeError):
        return backend_of(source)
    return None


def _check_numbers(given: Backend | None, source: Any) -> None:
    """Raise unless a source that its backend knows has a number of a known format at each index."""
    if given is None:
        return
    try:
        name = given.dtype(source)
    except _STATES as error:
        # The backend speaks of x.
        kind = next(kind for kind in _STATES if isinstance(error, kind))
        raise kind(re.sub(r"\bx\b", "source", str(error))) from error
    _known(name, source)


def _without_arrays(source: Any) -> Any:
    """Return nested sequences with the arrays in them as NumPy's, which would read them past their libraries."""
    if isinstance(source, (list, tuple)):
        return [item if type(item) in _NUMBERS else _without_arrays(item) for item in source]
    given = _backend_of_source(source)
    if isinstance(source, np.ndarray) or (given is None and not hasattr(source, "__dlpack__")):
        return source
    _check_numbers(given, source)
    *_, seen = (given or _numpy_reader()).read(source)
    return seen


def _numpy_reader() -> Backend:
    """Return what reads all that NumPy can read; not at the top, since few need it."""
    from arrayinit.backends._array_api import WRITABLE

    return WRITABLE


def _known(dtype: str, source: Any) -> str:
    """Return the dtype of a source; raise TypeError unless it is of numbers in a known format."""
    if dtype not in NAMES:
        raise TypeError(
            f"source must be an array of {', '.join(NAMES)}, a number or a nested sequence of numbers, "
            f"got {type(source).__qualname__} of dtype {dtype}{_detour(dtype)}"
        )
    return dtype


def _detour(name: str) -> str:
    wide = wider(name)
    return "" if wide is None else f"; convert it to {wide} first"


def _check_dtype(values: Array, given: str, dtype: str) -> None:
    """Raise unless an array of ``dtype`` can hold the values, if need be rounded."""
    if given == dtype:
        return
    kind, own = _kind(given), _kind(dtype)
    if kind > own:
        hint = ("compare it, as by source != 0", "round and cast it first", "pass source.real, or its modulus")[own]
        raise TypeError(f"source has {_KINDS[kind]} dtype, {given}, but x has dtype {dtype}; {hint}")
    if own == kind == 1:
        _check_range(values, given, dtype)


def _kind(dtype: str) -> int:
    return 0 if dtype == "bool" else 1 if "int" in dtype else 3 if "complex" in dtype else 2


def _check_range(values: Array, given: str, dtype: str) -> None:
    """Raise unless all integers fit an integer dtype."""
    bounds, possible = np.iinfo(dtype), np.iinfo(given)
    if 0 in values.shape or (bounds.min <= possible.min and possible.max <= bounds.max):
        return
    try:
        *_, seen = backend_of(values).read(values)
    except TypeError:
        raise TypeError(
            f"source has dtype {given}; its values are not known here, and may not fit dtype {dtype} of x: cast it"
        ) from None
    low, high = int(seen.min()), int(seen.max())
    if low < bounds.min or high > bounds.max:
        raise ValueError(
            f"source has values from {low} to {high}, but x has dtype {dtype}, which holds {bounds.min} to {bounds.max}"
        )
