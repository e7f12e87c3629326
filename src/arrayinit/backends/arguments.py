"""The checks of x and rng that the adapters share."""

from __future__ import annotations

import inspect
import sys
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from arrayinit.stream.seed import KINDS

# NumPy's search for elements that share memory ends after this many steps. Real views take about ten.
# NumPy's own annotations allow no number but 0 and -1.
_TRIES: Any = 1 << 14


def numpy_generator(rng: Any, arrays: str) -> np.random.Generator:
    """Return NumPy's generator for ``rng``, for a backend whose library has no generator.

    Examples
    --------
    >>> import numpy as np
    >>> from arrayinit.backends import numpy_generator
    >>> generator = np.random.default_rng(0)
    >>> numpy_generator(generator, "arrays of my library") is generator
    True
    """
    if rng is None:
        return np.random.default_rng()
    if isinstance(rng, np.random.Generator):
        return rng
    raise TypeError(f"rng for {arrays} must be None, {KINDS}, or a numpy.random.Generator, got {describe(rng)}")


def own_generator(rng: Any, is_own: bool, arrays: str, default: str, own: str) -> Any:
    """Return ``rng`` if it is None, a generator of the library of the arrays, or one of NumPy; else raise TypeError.

    ``default`` says what None means, and ``own`` what a generator of the library is.
    """
    if rng is None or is_own or isinstance(rng, np.random.Generator):
        return rng
    raise TypeError(
        f"rng for {arrays} must be None ({default}), {KINDS}, {own}, or a numpy.random.Generator, got {describe(rng)}"
    )


def as_generator(rng: Any) -> Any:
    """Wrap a NumPy bit generator (SPEC 7) in a Generator; return anything else unchanged."""
    # If numpy.random is not loaded, rng cannot be a bit generator.
    loaded = sys.modules.get("numpy.random")
    return loaded.Generator(rng) if loaded is not None and isinstance(rng, loaded.BitGenerator) else rng


@lru_cache(1024)
def overlaps(strides: tuple[int, ...], shape: tuple[int, ...], size: int = 1) -> bool:
    """Whether elements share memory, as in an expanded array or in overlapping windows.

    ``size`` is the size of an element in the unit of the strides.
    """
    if 0 in shape:
        return False
    axes = sorted((abs(step), count) for step, count in zip(strides, shape, strict=True) if count != 1)
    end = size
    for step, count in axes:
        if step < end:
            # An axis steps less far than the shorter axes reach. Its elements may still miss theirs.
            return any(_meet(axes[: k + 1], size) for k in range(len(axes)))
        end += (count - 1) * step
    return False


def _meet(axes: list[tuple[int, int]], size: int) -> bool:
    """Whether two elements share memory that differ along the last axis, and perhaps along the others."""
    steps, counts = zip(*axes, strict=True)
    # NumPy compares addresses, and reads nothing.
    element = np.empty((), f"V{size}")
    rest = as_strided(element, counts[:-1], steps[:-1])
    try:
        return np.shares_memory(rest, as_strided(element, counts, steps)[..., 1:], _TRIES)
    except np.exceptions.TooHardError:
        return False


def warn(message: str) -> None:
    """Warn at the line that called the library, at any depth of calls."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("arrayinit."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def is_masked(cls: type) -> bool:
    """Whether this is `numpy.ma.MaskedArray`, or a subclass of it."""
    # If numpy.ma is not loaded, no masked array exists.
    loaded = sys.modules.get("numpy.ma")
    return loaded is not None and issubclass(cls, loaded.MaskedArray)


def is_plain(cls: type) -> bool:
    """Whether the elements of this class are plain numbers in memory, without masks, units or other rules."""
    if not issubclass(cls, np.ndarray) or is_masked(cls):
        return not is_masked(cls)
    return (cls.__array_function__, cls.__array_ufunc__) == _PLAIN


_PLAIN = (np.ndarray.__array_function__, np.ndarray.__array_ufunc__)


def check_plain(cls: type, name: str) -> None:
    """Raise TypeError if arrays of this class have masks, units or other rules, which would be lost."""
    if is_masked(cls):
        raise TypeError(
            f"{name} is a masked array ({qualified(cls)}), and its mask would be lost: pass {name}.data, all of its "
            f"numbers, or {name}.filled(value)"
        )
    if not is_plain(cls):
        raise TypeError(
            f"{name} of type {qualified(cls)} has rules of its own, as for units, which would be lost: pass "
            f"{name}.view(np.ndarray), its numbers alone"
        )


def qualified(cls: type) -> str:
    """Return the name of a class with its module; a built-in class has no module."""
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


# The generators of other libraries, by package and class name, and an expression of each that is a valid rng.
_CALLS = {
    "cupy.Generator": "rng.integers(2**31) is a seed",
    "cupy.RandomState": "rng.randint(2**31) is a seed",
    "dask.Generator": "rng.integers(2**31) is a seed",
    "dask.RandomState": "rng.randint(2**31) is a seed",
    "flax.RngStream": "rng() is a JAX key, and jax.random.bits(rng()) a seed",
    "flax.Rngs": "rng.params() is a JAX key, and jax.random.bits(rng.params()) a seed",
    "haiku.PRNGSequence": "next(rng) is a JAX key, and jax.random.bits(next(rng)) a seed",
    "jax.PRNGKeyArray": "a JAX key fills arrays of JAX only; jax.random.bits(rng) is a seed",
    "jaxlib.ArrayImpl": "a JAX key fills arrays of JAX only; if this is one, jax.random.bits(rng) is a seed; if it "
    "holds integers, numpy.asarray(rng) is a seed",
    "keras.SeedGenerator": "keras.ops.convert_to_numpy(rng.next()) is a seed",
    "mlx.array": "an MLX key fills arrays of MLX only; if this holds integers, numpy.asarray(rng) is a seed",
    "numpy.RandomState": "rng.randint(2**31) is a seed",
    "paddle.Generator": "rng.initial_seed() is a seed",
    "random.Random": "rng.getrandbits(64) is a seed",
    "tinygrad.Tensor": "if it holds integers, rng.numpy() is a seed",
    "tensorflow.Generator": "int(rng.uniform_full_int(())) is a seed",
    "torch.Generator": "rng.initial_seed() is a seed",
}


def describe(rng: Any) -> str:
    """Describe a wrong rng for an error, and say which expression of it would be right."""
    name = qualified(type(rng))
    call = _hint(type(rng), _CALLS)
    if isinstance(rng, (bool, int, float, str)):
        return f"{rng!r} ({name})"
    if isinstance(getattr(rng, "ndim", None), int):
        name += f" of shape {tuple(rng.shape)} and dtype {rng.dtype}"
    return name + call


_OF_MODEL = "pass one of its parameters, or fill all of them by arrayinit.initialize(x, rules)"
_STORED = "pass x.data, the numbers that it stores, or x.todense()"

# What looks like an array and cannot be filled, by package and class name, and what to pass.
_INSTEAD = {
    "array.array": "pass numpy.asarray(x), which shares its memory",
    "awkward.Array": "pass awkward.to_numpy(x)",
    "builtins.bytearray": "pass numpy.frombuffer(x, dtype), which shares its memory",
    "builtins.dict": "pass one of its arrays, or fill all of them by arrayinit.initialize(x, rules)",
    "builtins.list": "pass numpy.array(x)",
    "builtins.memoryview": "pass numpy.asarray(x), which shares its memory",
    "builtins.tuple": "pass numpy.array(x), or numpy.empty(x) if x is a shape",
    "equinox.Module": _OF_MODEL,
    "flax.AxisMetadata": "pass x.unbox(), and put the result in x.replace_boxed(result)",
    "flax.Module": _OF_MODEL,
    "flax.State": _OF_MODEL,
    "jax.AbstractValue": "pass jax.ShapeDtypeStruct(x.shape, x.dtype)",
    "jax.JAXSparse": _STORED,
    "keras.KerasTensor": "it is symbolic and has no values; pass the variable of a layer that is built",
    "keras.Layer": _OF_MODEL,
    "numpy.generic": "a scalar cannot be written; pass numpy.asarray(x)",
    "paddle.Layer": _OF_MODEL,
    "pandas.ExtensionArray": "pass x.to_numpy(copy=True), and make a new one of the result",
    "pandas.Index": "pass x.to_numpy(copy=True), and make a new one of the result",
    "pandas.NDFrame": "pass x.to_numpy(copy=True), and make a new one of the result",
    "polars.DataFrame": "pass x.to_numpy(writable=True), and make a new one of the result",
    "polars.LazyFrame": "pass x.collect().to_numpy(writable=True), and make a new one of the result",
    "polars.Series": "pass x.to_numpy(writable=True), and make a new one of the result",
    "pyarrow.Array": "its memory is never written; pass numpy.array(x)",
    "pyarrow.ChunkedArray": "its memory is never written; pass numpy.array(x)",
    "pyarrow.Table": "its memory is never written; pass numpy.array(x)",
    "scipy._dok_base": "pass x.toarray()",
    "scipy._lil_base": "pass x.toarray()",
    "scipy._spbase": "pass x.data, the numbers that it stores, or x.toarray()",
    "sparse.DOK": "pass x.todense()",
    "sparse.SparseArray": _STORED,
    "tensorflow.IndexedSlices": "pass tf.convert_to_tensor(x)",
    "tensorflow.RaggedTensor": "pass x.flat_values, or x.to_tensor()",
    "tensorflow.SparseTensor": "pass x.values, the numbers that it stores, or tf.sparse.to_dense(x)",
    "tensorflow.TypeSpec": "pass tf.zeros(x.shape, x.dtype)",
    "torch.Module": _OF_MODEL,
    "xarray.Dataset": "pass one of its variables, as x['name']",
    "xarray.DataTree": "pass one of its variables, as x['name']",
}


def instead_of(cls: type) -> str:
    """Return ": " and what to pass in place of an object that cannot be filled; an empty text if it is unknown."""
    return _hint(cls, _INSTEAD)


def _hint(cls: type, table: dict[str, str]) -> str:
    """Return the entry of a class, or of its nearest base, after a colon."""
    kinds = (f"{base.__module__.partition('.')[0]}.{base.__qualname__}" for base in cls.__mro__)
    return next((f": {table[kind]}" for kind in kinds if kind in table), "")
