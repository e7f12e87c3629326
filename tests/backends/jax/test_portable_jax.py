"""The portable stream under JAX: what is traced has the bits of what is not, and what is not compiles nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWS, LAWS
from jax_calls import struct
from libraries import Library
from portable_calls import reference, same_bits

import arrayinit as ai

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

pytestmark = pytest.mark.usefixtures("jax_library")


@pytest.mark.parametrize(
    ("name", "dtype"), [*((name, "float32") for name in DRAWS), *((name, "float64") for name in LAWS)]
)
def test_a_compiled_draw_has_the_bits_of_numpy(name: str, dtype: str) -> None:
    draw = DRAWS[name]
    values = jax.jit(lambda: draw.fill(struct(*draw.shape, dtype=dtype)))()
    assert values.dtype.name == dtype
    same_bits(np.asarray(values), reference(draw, dtype), dtype)


@pytest.mark.parametrize(
    ("dtype", "x64"),
    [("float16", False), ("bfloat16", False), ("float32", False), ("complex64", False), ("complex128", True)],
)
def test_all_draws_in_one_program_have_the_bits_of_numpy(dtype: str, x64: bool, jax_library: Library) -> None:
    draws = [draw for draw in LAWS.values() if dtype in draw.dtypes]
    with jax.enable_x64(x64):
        structs = [struct(*draw.shape, dtype=dtype) for draw in draws]
        eager = [draw.fill(x) for draw, x in zip(draws, structs, strict=True)]
        compiled = jax.jit(lambda: [draw.fill(x) for draw, x in zip(draws, structs, strict=True)])()
        # What follows a draw has the widths that it has without.
        following = jax.jit(lambda: (draws[0].fill(structs[0]), jnp.arange(3))[1])()
    assert following.dtype == (jnp.int64 if x64 else jnp.int32)
    for draw, first, second in zip(draws, eager, compiled, strict=True):
        for values in (first, second):
            assert values.dtype.name == dtype
            same_bits(jax_library.to_numpy(values), reference(draw, dtype), dtype)


SHAPES = [(), (0,), (1,), (7,), (8,), (9,), (3, 0, 2), (2, 3, 1, 5, 7)]


@pytest.mark.parametrize("seed", [0, 2**31, 2**64 + 1, [1, 2, 3], np.random.SeedSequence(9).spawn(3)[2]], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_uniform_numbers_are_those_of_numpy_s_philox(dtype: str, seed: Any) -> None:
    shapes = [*SHAPES, (1_000_003,)] if seed == 0 else SHAPES[-1:]
    compiled = jax.jit(lambda: [ai.uniform_(struct(*shape, dtype=dtype), rng=seed) for shape in shapes])()
    for values, shape in zip(compiled, shapes, strict=True):
        expected = np.random.Generator(np.random.Philox(seed)).random(shape, dtype)
        same_bits(np.asarray(values), np.asarray(expected), dtype)


@pytest.mark.parametrize("name", ["normal_", "trunc_normal_(a=2.0, b=3.0)"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_the_number_of_elements_changes_no_bit(name: str, dtype: str, jax_library: Library) -> None:
    shapes = [(), (0,), (1,), (7,), (9,), (1_000_003,)]
    draws = [DRAWS[name].at(shape) for shape in shapes]
    compiled = jax.jit(lambda: [draw.fill(struct(*draw.shape, dtype=dtype)) for draw in draws])()
    whole = reference(draws[-1], dtype)
    for values, draw in zip(compiled, draws, strict=True):
        size = int(np.prod(draw.shape))
        same_bits(jax_library.to_numpy(values), whole[:size].reshape(draw.shape), dtype)
