"""JAX without x64: what cannot have 64 bits has 32, and JAX's warning says so, for every function and kind of rng."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, FIXED, FUNCTIONS, Case
from portable_calls import same_bits

import arrayinit as ai

with suppress(ImportError):
    import jax

pytestmark = pytest.mark.usefixtures("jax_library")

RNGS = {
    "a seed": lambda: 5,
    "a key": lambda: jax.random.key(5),
    "NumPy's": lambda: np.random.default_rng(5),
    "None": lambda: None,
}
# Elements alone, elements with zeros among them, and a matrix.
WAYS = ("normal_", "sparse_", "orthogonal_")
NARROW = {"float64": "float32", "complex128": "complex64", "int64": "int32", "uint64": "uint32"}


def filled(case: Case, dtype: str, is_traced: bool, rng: Any = None) -> Any:
    """Fill with x64 off, and expect one warning if the dtype is a wide one."""
    x = jax.ShapeDtypeStruct(case.shape, dtype)

    def call() -> Any:
        return case.function(x, **case.arguments, **({"rng": rng} if case.is_drawn else {}))

    with jax.enable_x64(False):
        if dtype not in NARROW:
            return jax.jit(call)() if is_traced else call()
        text = f"Explicitly requested dtype {dtype} is not available, and will be truncated to dtype {NARROW[dtype]}"
        with pytest.warns(UserWarning, match=text) as record:
            made = jax.jit(call)() if is_traced else call()
        assert [warning.filename for warning in record] == [__file__]
        return made


# Under a trace the other kinds of rng are an error.
@pytest.mark.parametrize(
    ("name", "rng", "is_traced"),
    [
        *((name, rng, False) for name in WAYS for rng in RNGS),
        *((name, rng, True) for name in WAYS for rng in ("a seed", "a key")),
    ],
    ids=str,
)
def test_a_wide_struct_is_drawn_as_a_narrow_one(name, rng, is_traced):
    case = DRAWN[name]
    wide, narrow = (filled(case, dtype, is_traced, RNGS[rng]()) for dtype in ("float64", "float32"))
    assert (wide.shape, wide.dtype) == (case.shape, "float32")
    if rng != "None":
        same_bits(np.asarray(wide), np.asarray(narrow), "float32")


@pytest.mark.parametrize("is_traced", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("name", FIXED)
def test_a_wide_struct_is_filled_as_a_narrow_one(name, dtype, is_traced):
    case = FIXED[name]
    wide, narrow = filled(case, dtype, is_traced), filled(case, NARROW[dtype], is_traced)
    assert (wide.shape, wide.dtype) == (case.shape, NARROW[dtype])
    np.testing.assert_array_equal(np.asarray(wide), np.asarray(narrow))


def test_what_fits_the_asked_dtype_but_not_the_other_is_an_error():
    with jax.enable_x64(False), pytest.raises(ValueError, match="does not fit dtype int32"):
        ai.constant_(jax.ShapeDtypeStruct((3,), "int64"), 2**40)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_array_of_64_bits_keeps_them(name):
    case = FUNCTIONS[name]
    x = jax.numpy.zeros(case.shape, "float64")
    expected = case.fill(x)
    with jax.enable_x64(False):
        made = case.fill(x)
    assert made.dtype == "float64"
    np.testing.assert_array_equal(np.asarray(made), np.asarray(expected))


@pytest.mark.filterwarnings("error")
def test_an_array_of_64_bits_is_copied_whole():
    x = jax.numpy.array([2**40, 3])
    with jax.enable_x64(False):
        assert ai.copy_(np.empty(2, np.int64), x).tolist() == [2**40, 3]
        with pytest.raises(ValueError, match="but x has dtype int32"):
            ai.copy_(np.empty(2, np.int32), x)
