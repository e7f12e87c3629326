"""Objects that hold an array under test: those of Flax nnx, Keras, JAX and xarray."""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import Any

import numpy as np
import peers  # noqa: F401  # chooses the arrays of Keras

from libraries.forms import ANY, PLAIN
from libraries.library import COMPLEX, FLOAT8, REAL, Form, Library, as_plain

# The adapter of the array knows its dtypes, and each of them would be compiled again.
_OF_JAX = ("bfloat16", "float32", "complex64")


def _nnx() -> Library:
    import jax
    from flax import nnx

    return Library(
        "nnx",
        "flax",
        _OF_JAX,
        lambda shape, dtype: nnx.Param(jax.numpy.zeros(shape, dtype)),
        lambda x: as_plain(x.get_value()),
        jax.random.key,
        lambda x: x.get_value().sharding,
        has_float8=True,
        holds="jax",
    )


def _ref() -> Library:
    import jax

    return Library(
        "ref",
        "jax.ref",
        _OF_JAX,
        lambda shape, dtype: jax.new_ref(jax.numpy.zeros(shape, dtype)),
        lambda x: as_plain(x[...]),
        jax.random.key,
        lambda x: x.sharding,
        has_float8=True,
        holds="jax",
    )


def _keras() -> Library:
    import keras

    # Makes NumPy know the names.
    importlib.import_module("ml_dtypes")
    return Library(
        "keras",
        "keras",
        (*REAL, *COMPLEX),
        _variable,
        _value,
        _generator(keras.backend.backend()),
        lambda x: getattr(x.value, "device", "cpu"),
        # On torch, Keras keeps these in wider dtypes, or not at all.
        lacks=("uint16", "uint32", "uint64") if keras.backend.backend() == "torch" else (),
        holds=keras.backend.backend(),
    )


def _variable(shape: tuple[int, ...], dtype: str) -> Any:
    import keras

    return keras.Variable(np.zeros(shape, "float32"), dtype=dtype, trainable="float" in dtype)


def _value(x: Any) -> np.ndarray:
    import keras

    is_narrow = x.dtype in ("bfloat16", *FLOAT8)
    values = keras.ops.stop_gradient(keras.ops.cast(x.value, "float32") if is_narrow else keras.ops.copy(x.value))
    # NumPy warns of how Keras asks torch and TensorFlow for an array.
    return as_plain(values.numpy() if hasattr(values, "numpy") else values)


def _generator(backend: str) -> Any:
    if backend == "jax":
        return importlib.import_module("jax").random.key
    if backend == "torch":
        return lambda seed: importlib.import_module("torch").Generator().manual_seed(seed)
    return np.random.default_rng


def _xarray() -> Library:
    import xarray

    with suppress(ImportError):
        # Makes NumPy know the names.
        importlib.import_module("ml_dtypes")
    return Library(
        "xarray",
        "xarray",
        ("float16", "float32", "float64", *COMPLEX),
        lambda shape, dtype: xarray.DataArray(np.empty(shape, dtype)),
        as_plain,
        np.random.default_rng,
        lambda x: "cpu",
    )


LIBRARIES = {"nnx": _nnx, "ref": _ref, "keras": _keras, "xarray": _xarray}
FORMS: dict[str, dict[str, Form]] = dict.fromkeys(("flax", "jax.ref", "keras", "xarray"), PLAIN)
KIT_ONLY = set(LIBRARIES)
# Keras and xarray look for others as they are imported.
NEEDS = {"nnx": {"jax"}, "ref": {"jax"}, "keras": {"jax", "torch"}, "xarray": {"dask"}}
WRONG_FORMS: dict[str, dict[str, Form]] = dict.fromkeys(FORMS, ANY)
