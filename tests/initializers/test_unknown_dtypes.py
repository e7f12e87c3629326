"""Dtypes that are neither filled nor read: the error says so, and where it says what to do, that works."""

from __future__ import annotations

import importlib
import re
from typing import Any

import numpy as np
import pytest
from cases import FUNCTIONS, KERNELS, MATRIX
from libraries import Library
from peers import peer

import arrayinit as ai

# Those of JAX and ml_dtypes; torch has only the last.
FLOAT8 = ("float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e8m0fnu")
ADVICE = r"x has dtype {name}, which is not supported: .*; fill an array of {wide}, and convert it to {name}$"


def refuse(x: Any, match: str) -> None:
    for name, case in FUNCTIONS.items():
        if name not in KERNELS:
            with pytest.raises(TypeError, match=match) as caught:
                case.fill(x, None)
            assert "integers and booleans are for" not in str(caught.value), name


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
def test_float8_of_torch(torch_library: Library) -> None:
    torch = peer("torch")
    for name in (FLOAT8[-1], "complex32"):
        x, wide = torch.zeros(MATRIX).to(getattr(torch, name)), "complex64" if name == "complex32" else "float32"
        refuse(x, ADVICE.format(name=name, wide=wide))
        filled = ai.ones_(torch.empty(MATRIX, dtype=getattr(torch, wide))).to(getattr(torch, name))
        assert (filled.to(getattr(torch, wide)) == 1).all()
        with pytest.raises(TypeError, match=rf"source .* of dtype {name}.*; convert it to {wide} first$"):
            ai.copy_(np.empty(MATRIX, wide), filled)
        assert (ai.copy_(np.empty(MATRIX, wide), filled.to(getattr(torch, wide))) == 1).all()


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize("name", ["float4_e2m1fn_x2", "uint4", "int4", "bits8", "quint8"])
def test_dtypes_of_torch_without_numbers(name: str, torch_library: Library) -> None:
    torch = peer("torch")
    x = torch.empty(MATRIX, dtype=getattr(torch, name))
    refuse(x, rf"x has dtype {name}, which is not supported: .*(arrays|filled)$")


def test_float8_of_jax(jax_library: Library) -> None:
    jnp = peer("jax").numpy
    for name in (*FLOAT8, "float4_e2m1fn"):
        x = jnp.zeros(MATRIX, getattr(jnp, name))
        refuse(x, ADVICE.format(name=name, wide="float32"))
        filled = ai.ones_(jnp.empty(MATRIX, "float32")).astype(x.dtype)
        with pytest.raises(TypeError, match=rf"source must be an array of .* of dtype {name}; convert it to float32 f"):
            ai.copy_(np.empty(MATRIX), filled)
        assert (ai.copy_(np.empty(MATRIX), filled.astype("float32")) == 1).all()
    refuse(jnp.zeros(MATRIX, "int4"), "x has dtype int4, which is not supported: ")
    refuse(peer("jax").random.split(peer("jax").random.key(0), MATRIX), "x has dtype key<fry>, which is not supported")


def test_float8_of_ml_dtypes(jax_library: Library) -> None:
    ml_dtypes = importlib.import_module("ml_dtypes")  # JAX needs it, and brings it along.
    for name in (*FLOAT8, "float6_e2m3fn", "float4_e2m1fn"):
        x = np.zeros(MATRIX, getattr(ml_dtypes, name))
        refuse(x, ADVICE.format(name=name, wide="float32"))
        filled = ai.ones_(np.empty(MATRIX, "float32")).astype(x.dtype)
        with pytest.raises(TypeError, match=rf"source must be an array of .* of dtype {name}; convert it to float32 f"):
            ai.copy_(np.empty(MATRIX), filled)
        assert (ai.copy_(np.empty(MATRIX), filled.astype("float32")) == 1).all()
    refuse(np.zeros(MATRIX, ml_dtypes.int4), "x has dtype int4, which is not supported: ")


@pytest.mark.skipif(np.dtype("longdouble").itemsize == 8, reason="longdouble is float64 on this platform")
@pytest.mark.parametrize(("dtype", "wide"), [("longdouble", "float64"), ("clongdouble", "complex128")])
def test_long_doubles_of_numpy(dtype: str, wide: str, numpy_library: Library) -> None:
    refuse(np.zeros(MATRIX, dtype), ADVICE.format(name=np.dtype(dtype).name, wide=wide))
    assert (ai.copy_(np.zeros(MATRIX, wide), ai.ones_(np.zeros(MATRIX, wide)).astype(dtype).astype(wide)) == 1).all()


@pytest.mark.parametrize(
    "dtype", ["S3", "U3", "M8[s]", "m8[s]", "O", "V4", "i4,f4", np.dtype((np.record, [("weight", "f4")])), "T"], ids=str
)
def test_dtypes_of_numpy_without_numbers(dtype: Any, numpy_library: Library) -> None:
    x = np.zeros(MATRIX, dtype)
    shown = str(x.dtype) if x.dtype.names else x.dtype.name
    refuse(x, rf"^x has dtype {re.escape(shown)}, which is not supported: .*(arrays|filled)$")
    with pytest.raises(TypeError, match=rf"source must be an array of .* of dtype {re.escape(shown)}$"):
        ai.copy_(np.zeros(MATRIX), x)


@pytest.mark.parametrize("library", ["dask"], indirect=True)
@pytest.mark.parametrize("dtype", ["S3", "M8[s]", "O", "longdouble", "i4,f4"])
def test_dtypes_of_dask(dtype: str, library: Library) -> None:
    refuse(peer("dask.array").from_array(np.zeros(MATRIX, dtype), chunks=2), r"x has dtype .*, which is not supported")


def test_what_is_no_number_is_named_before_its_shape(library: Library) -> None:
    for source, named in ((np.zeros(7, object), "ndarray of dtype object"), ({"weight": 1.0}, "dict of dtype object")):
        with pytest.raises(TypeError, match=f"source must be an array of float16.*, got {named}$"):
            ai.copy_(library.empty(MATRIX, "float32"), source)
