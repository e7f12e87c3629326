"""Arrays of every library made without arrayinit, to be copied, and what the copy is compared by."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from boxes import STORED
from float8 import FLOAT8
from libraries import Library, no_such_case
from peers import peer
from portable_calls import bits

from arrayinit.core.dtypes import FORMATS, NAMES

# Loaded before the first test, so that it has the 64-bit dtypes that conftest.py switches on.
with suppress(ImportError):
    import jax

INTEGERS = tuple(name for name in NAMES if "int" in name)
KINDS = (("bool",), INTEGERS, ("float16", "bfloat16", "float32", "float64", *FLOAT8), ("complex64", "complex128"))


def kind(dtype: str) -> int:
    return next(k for k, names in enumerate(KINDS) if dtype in names)


def storage(dtype: str) -> str:
    """The dtype in which NumPy holds these numbers."""
    return "float32" if dtype in STORED else dtype


FNUZ = tuple(name for name in FLOAT8 if name.endswith("fnuz"))
COMPLEX = ("complex64", "complex128")
LACKS: dict[str, tuple[str, ...]] = {
    "strict": ("float16", *STORED),
    "mlx": ("complex128", *FLOAT8),
    "tinygrad": COMPLEX,
    "paddle": ("uint16", "uint32", "uint64", *FNUZ),
    **dict.fromkeys(("numpy", "dask", "cubed", "xarray"), tuple(STORED)),
}


def has(library: str, dtype: str) -> bool:
    return dtype not in LACKS.get(library, ())


def array(library: str, values: np.ndarray, dtype: str) -> Any:
    """Return an array of a library, made without arrayinit; what NumPy lacks comes as numbers in float32."""
    return MAKERS[library](np.asarray(bits(values, dtype), STORED[dtype]) if dtype in STORED else values, dtype)


def _torch(words: np.ndarray, dtype: str) -> Any:
    torch = peer("torch")
    made = torch.from_numpy(words)
    return made.view(getattr(torch, dtype)) if dtype in STORED else made


def _jax(words: np.ndarray, dtype: str) -> Any:
    peer("jax")
    return jax.device_put(words.view(jax.numpy.dtype(dtype)), jax.devices()[-1])


def _strict(words: np.ndarray, dtype: str) -> Any:
    xp = peer("array_api_strict")
    return xp.asarray(words, device=xp.Device("device1"))


def _mlx(words: np.ndarray, dtype: str) -> Any:
    mx = peer("mlx.core")
    if dtype in STORED:
        return mx.array(words).view(getattr(mx, dtype))
    return mx.array(words, dtype=getattr(mx, dtype.replace("bool", "bool_")))


def _tinygrad(words: np.ndarray, dtype: str) -> Any:
    tinygrad = peer("tinygrad")
    # A tensor of one NumPy number is a constant without a device.
    made = tinygrad.Tensor(words.reshape(-1)).reshape(words.shape)
    name = dtype.replace("float8_", "fp8").replace("fn", "", int(not dtype.endswith("uz")))
    return made.bitcast(getattr(tinygrad.dtypes, name)) if dtype in STORED else made


def _tensorflow(words: np.ndarray, dtype: str) -> Any:
    tf = peer("tensorflow")
    return tf.constant(words.view(tf.as_dtype(dtype).as_numpy_dtype))


def _paddle(words: np.ndarray, dtype: str) -> Any:
    made = peer("paddle").to_tensor(words.view("int16") if dtype == "bfloat16" else words)
    return made.view(dtype) if dtype in STORED else made


def _keras(words: np.ndarray, dtype: str) -> Any:
    keras = peer("keras")
    # Not of numbers: Keras on NumPy takes bfloat16 from words of ml_dtypes.
    made = words.view(peer("ml_dtypes").__dict__[dtype]) if dtype in STORED else words
    return keras.Variable(made, dtype=dtype, trainable="float" in dtype)


# Each takes the words of the numbers, and the dtype.
MAKERS: dict[str, Callable[[np.ndarray, str], Any]] = {
    "numpy": lambda words, _: words,
    "torch": _torch,
    "jax": _jax,
    "strict": _strict,
    "dask": lambda words, _: peer("dask.array").from_array(words, chunks=2),
    "cubed": lambda words, _: peer("cubed").from_array(words, chunks=2),
    "mlx": _mlx,
    "tinygrad": _tinygrad,
    "tensorflow": _tensorflow,
    "paddle": _paddle,
    "nnx": lambda words, dtype: peer("flax.nnx").Param(_jax(words, dtype)),
    "ref": lambda words, dtype: peer("jax").new_ref(_jax(words, dtype)),
    "keras": _keras,
    "xarray": lambda words, _: peer("xarray").DataArray(words),
}


def blank(library: Library, shape: tuple[int, ...], dtype: str) -> Any:
    if not library.has(dtype):
        no_such_case(f"{library.name} has no {dtype}")
    return library.full(shape, dtype, 1)


def same(x: Any, expected: np.ndarray, library: Library, dtype: str) -> None:
    """Bit by bit, but for what a NaN carries."""
    ours = library.to_numpy(x)
    assert ours.shape == expected.shape
    if kind(dtype) < 2:
        assert ours.dtype.name == dtype
        np.testing.assert_array_equal(ours, expected)
        return
    parts = [(ours, expected)] if kind(dtype) == 2 else [(ours.real, expected.real), (ours.imag, expected.imag)]
    real = FORMATS[dtype].real
    for own, other in parts:
        nan = np.isnan(other)
        np.testing.assert_array_equal(np.isnan(own), nan)
        plain = storage(real)
        own, other = (np.where(nan, 0, part).astype(plain) for part in (own, other))  # noqa: PLW2901
        np.testing.assert_array_equal(bits(own, real), bits(other, real))
