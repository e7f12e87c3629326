"""copy_ into JAX arrays and from them: shardings, structs, traces, buffers of its own."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from copy_sources import array
from hard_numbers import SIZE, expected, hard
from libraries import Library

import arrayinit

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

pytestmark = pytest.mark.usefixtures("jax_library")


def placed(axis: str | None) -> Any:
    mesh = jax.sharding.Mesh(np.array(jax.devices("cpu")[:2]), ("d",))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(axis))


@pytest.mark.parametrize("form", ["array", "struct"])
@pytest.mark.parametrize("origin", ["numpy", pytest.param("torch", marks=pytest.mark.pairs), "jax", "sharded"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_sharding_is_kept(origin: str, form: str, dtype: str) -> None:
    values = np.arange(24, dtype="float32").reshape(4, 6)
    source = jax.device_put(values, placed(None)) if origin == "sharded" else array(origin, values, "float32")
    x: Any = jax.ShapeDtypeStruct((4, 6), jnp.dtype(dtype), sharding=placed("d"))
    if form == "array":
        x = jax.device_put(np.zeros((4, 6), dtype), placed("d"))
    y = arrayinit.copy_(x, source)
    assert isinstance(y, jax.Array)
    assert y.sharding == placed("d")
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, values)


def test_the_copy_outlives_a_donated_source() -> None:
    source = jnp.arange(1024.0)
    y = arrayinit.copy_(jnp.zeros(1024), source)
    source.delete()
    np.testing.assert_array_equal(y, np.arange(1024.0))


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        ("float64", "bfloat16"),
        ("float64", "float32"),
        ("int64", "bfloat16"),
        ("uint64", "float32"),
        ("float32", "bfloat16"),
    ],
)
def test_under_jit_the_copy_rounds_as_an_eager_one_but_for_subnormal_numbers(given: str, dtype: str) -> None:
    values, wanted = hard(given, dtype), expected(given, dtype)
    x = jnp.zeros(SIZE, dtype)
    y = np.asarray(jax.jit(arrayinit.copy_)(x, values)).astype("float32")
    tiny = float(jnp.finfo(dtype).tiny)
    # XLA takes what is below the normal numbers for zero, before it rounds or after.
    normal = ~(abs(wanted) <= tiny)
    np.testing.assert_array_equal(y[normal], wanted[normal])
    assert (abs(y[~normal]) <= tiny).all()
    assert normal.sum() > SIZE / 2


def test_integers_under_jit_need_a_dtype_that_always_fits() -> None:
    copy = jax.jit(arrayinit.copy_)
    assert copy(jnp.zeros(2, "int32"), np.array([1, -2], "int8")).tolist() == [1, -2]
    with pytest.raises(TypeError, match=r"dtype int32; its values are not known here, .* int8 .*cast it"):
        copy(jnp.zeros(2, "int8"), np.array([1, 2], "int32"))


def test_a_traced_array_takes_what_is_not_and_the_other_way_round() -> None:
    values = np.arange(3, dtype="float32")
    for source in (values, jnp.asarray(values)):
        assert jax.jit(lambda x, s=source: arrayinit.copy_(x, s))(jnp.ones(3)).tolist() == [0, 1, 2]
    struct = jax.ShapeDtypeStruct((3,), jnp.dtype("float32"))
    assert jax.jit(lambda s: arrayinit.copy_(struct, s))(values).tolist() == [0, 1, 2]
    assert jax.vmap(lambda s: arrayinit.copy_(struct, s))(np.stack([values, values])).shape == (2, 3)
    gradient = jax.grad(lambda s: (arrayinit.copy_(struct, s) ** 2).sum())(values)
    np.testing.assert_array_equal(gradient, 2 * values)


@pytest.mark.pairs
def test_structs_and_tracers_have_no_values_to_give(library: Library) -> None:
    x = library.full((3,), "float32", 1)
    with pytest.raises(TypeError, match="ShapeDtypeStruct has no values"):
        arrayinit.copy_(x, jax.ShapeDtypeStruct((3,), jnp.dtype("float32")))
    if library.of_arrays != "jax":
        with pytest.raises(TypeError, match=r"source of type .*Tracer cannot be read: a traced array has no values"):
            jax.jit(lambda s: arrayinit.copy_(x, s) and s)(jnp.zeros(3, "float32"))
    np.testing.assert_array_equal(library.to_numpy(x), 1)


@pytest.mark.parametrize("origin", ["numpy", pytest.param("torch", marks=pytest.mark.pairs)])
def test_without_64_bits_what_jax_would_cut_off_is_seen(origin: str) -> None:
    with jax.enable_x64(False):
        with pytest.raises(ValueError, match="source has values from 0 to 1099511627776, but x has dtype int32"):
            arrayinit.copy_(jnp.zeros(2, "int32"), array(origin, np.array([0, 2**40]), "int64"))
        y = arrayinit.copy_(jnp.zeros(SIZE, "bfloat16"), array(origin, hard("float64", "bfloat16"), "float64"))
        np.testing.assert_array_equal(np.asarray(y).astype("float32"), expected("float64", "bfloat16"))
