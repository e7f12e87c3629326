"""Programs of JAX with several draws: the seeds and sizes, and 64 bits that may be switched off around them."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from cases import DRAWS
from jax_calls import struct
from libraries import Library
from portable_calls import reference, same_bits

import arrayinit as ai

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

pytestmark = pytest.mark.usefixtures("jax_library")


@pytest.mark.parametrize(("dtype", "x64"), [("float32", False), ("complex128", True)])
def test_draws_in_one_program_have_the_bits_of_numpy(dtype: str, x64: bool, jax_library: Library) -> None:
    draws = [DRAWS[name] for name in ("uniform_", "kaiming_normal_", "sparse_")]
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


SEEDS = [0, 2**31, 2**64 + 1, [1, 2, 3], np.random.SeedSequence(9).spawn(3)[2]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_uniform_numbers_are_those_of_numpy_s_philox(dtype: str) -> None:
    draws = [((1_000_003,), 0), *(((2, 3, 1, 5, 7), seed) for seed in SEEDS)]
    compiled = jax.jit(lambda: [ai.uniform_(struct(*shape, dtype=dtype), rng=seed) for shape, seed in draws])()
    for values, (shape, seed) in zip(compiled, draws, strict=True):
        expected = np.random.Generator(np.random.Philox(seed)).random(shape, dtype)
        same_bits(np.asarray(values), np.asarray(expected), dtype)


@pytest.mark.parametrize(("name", "dtype"), [("normal_", "bfloat16"), ("trunc_normal_(a=2.0, b=3.0)", "float64")])
def test_many_elements_have_the_bits_of_numpy(name: str, dtype: str, jax_library: Library) -> None:
    draw = DRAWS[name].at((1_000_003,))
    compiled = jax.jit(lambda: draw.fill(struct(*draw.shape, dtype=dtype)))()
    same_bits(jax_library.to_numpy(compiled), reference(draw, dtype), dtype)
