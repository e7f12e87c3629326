"""JAX without x64: what cannot have 64 bits has 32, and JAX's warning says so, for every function and kind of rng."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from portable_calls import same_bits

import arrayinit as ai

with suppress(ImportError):
    import jax

pytestmark = pytest.mark.usefixtures("jax_library")

KERNEL, MATRIX = (6, 4, 3), (6, 4)
RANDOM: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    **dict.fromkeys(("uniform_", "normal_", "trunc_normal_", "orthogonal_", "delta_orthogonal_"), (KERNEL, {})),
    **dict.fromkeys(("xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"), (KERNEL, {})),
    **dict.fromkeys(("variance_scaling_", "lecun_uniform_", "lecun_normal_"), (KERNEL, {})),
    "sparse_": (MATRIX, {"sparsity": 0.5}),
}
FIXED: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "constant_": (KERNEL, {"val": 3}),
    "ones_": (KERNEL, {}),
    "zeros_": (KERNEL, {}),
    "eye_": (MATRIX, {}),
    "dirac_": (KERNEL, {}),
    "copy_": (KERNEL, {"source": np.ones(KERNEL, np.uint8)}),
}
RNGS = {
    "a seed": lambda: 5,
    "a key": lambda: jax.random.key(5),
    "NumPy's": lambda: np.random.default_rng(5),
    "None": lambda: None,
}
SCALED = re.compile("xavier|kaiming|lecun")
NARROW = {"float64": "float32", "complex128": "complex64", "int64": "int32", "uint64": "uint32"}


def test_every_function_is_here():
    assert {*RANDOM, *FIXED} == {name for name in ai.__all__ if name.endswith("_")}


def filled(name: str, x: Any, dtype: str, is_traced: bool, **arguments: Any) -> Any:
    """Fill with x64 off, and expect one warning if the dtype is a wide one."""

    def call() -> Any:
        return getattr(ai, name)(x, **arguments)

    with jax.enable_x64(False):
        if dtype not in NARROW:
            return jax.jit(call)() if is_traced else call()
        text = f"Explicitly requested dtype {dtype} is not available, and will be truncated to dtype {NARROW[dtype]}"
        with pytest.warns(UserWarning, match=text) as record:
            made = jax.jit(call)() if is_traced else call()
        assert [warning.filename for warning in record] == [__file__]
        return made


# Under a trace the other kinds of rng are an error. There the scaled draws are compiled as `variance_scaling_` is, with
# another number.
@pytest.mark.parametrize(
    ("name", "rng", "is_traced"),
    [
        *((name, rng, False) for name in RANDOM for rng in RNGS),
        *((name, rng, True) for name in RANDOM if not SCALED.match(name) for rng in ("a seed", "a key")),
    ],
    ids=str,
)
def test_a_wide_struct_is_drawn_as_a_narrow_one(name, rng, is_traced):
    shape, arguments = RANDOM[name]
    wide, narrow = (
        filled(name, jax.ShapeDtypeStruct(shape, dtype), dtype, is_traced, rng=RNGS[rng](), **arguments)
        for dtype in ("float64", "float32")
    )
    assert (wide.shape, wide.dtype) == (shape, "float32")
    if rng != "None":
        same_bits(np.asarray(wide), np.asarray(narrow), "float32")


@pytest.mark.parametrize("is_traced", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("name", FIXED)
def test_a_wide_struct_is_filled_as_a_narrow_one(name, dtype, is_traced):
    shape, arguments = FIXED[name]
    wide = filled(name, jax.ShapeDtypeStruct(shape, dtype), dtype, is_traced, **arguments)
    assert (wide.shape, wide.dtype) == (shape, NARROW[dtype])
    narrow = filled(name, jax.ShapeDtypeStruct(shape, NARROW[dtype]), NARROW[dtype], is_traced, **arguments)
    np.testing.assert_array_equal(np.asarray(wide), np.asarray(narrow))


def test_what_fits_the_asked_dtype_but_not_the_other_is_an_error():
    with jax.enable_x64(False), pytest.raises(ValueError, match="does not fit dtype int32"):
        ai.constant_(jax.ShapeDtypeStruct((3,), "int64"), 2**40)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
def test_an_array_of_64_bits_keeps_them(name):
    shape, arguments = (RANDOM | FIXED)[name]
    arguments = {**arguments, **({"rng": 5} if name in RANDOM else {})}
    x = jax.numpy.zeros(shape, "float64")
    expected = getattr(ai, name)(x, **arguments)
    with jax.enable_x64(False):
        made = getattr(ai, name)(x, **arguments)
    assert made.dtype == "float64"
    np.testing.assert_array_equal(np.asarray(made), np.asarray(expected))


@pytest.mark.filterwarnings("error")
def test_an_array_of_64_bits_is_copied_whole():
    x = jax.numpy.array([2**40, 3])
    with jax.enable_x64(False):
        assert ai.copy_(np.empty(2, np.int64), x).tolist() == [2**40, 3]
        with pytest.raises(ValueError, match="but x has dtype int32"):
            ai.copy_(np.empty(2, np.int32), x)
