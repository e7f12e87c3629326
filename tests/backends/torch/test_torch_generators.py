"""torch and its generators: its own, NumPy's, threads, and the two functions whose torch versions ignore or loop."""

from __future__ import annotations

import math
import random
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, FUNCTIONS
from libraries import Library
from torch_calls import empty, fill

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")

every_random_function = pytest.mark.parametrize("name", DRAWN)


@every_random_function
def test_an_explicit_generator_is_the_only_source(name):
    generator = torch.Generator().manual_seed(5)
    before = torch.get_rng_state()
    first, second = (fill(name, empty(name), rng=generator) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(first, second)
    assert torch.equal(fill(name, empty(name), rng=generator.manual_seed(5)), first)
    assert torch.equal(fill(name, empty(name), rng=generator), second)


@every_random_function
def test_the_global_generator_is_the_default(name):
    torch.manual_seed(5)
    first = fill(name, empty(name))
    torch.manual_seed(5)
    assert torch.equal(fill(name, empty(name), rng=None), first)
    assert torch.equal(fill(name, empty(name), rng=torch.Generator().manual_seed(5)), first)


def operations(call: Any) -> Counter[str]:
    """How often torch did what."""
    from torch.utils._python_dispatch import TorchDispatchMode

    counts: Counter[str] = Counter()

    class Counting(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            counts[str(function)] += 1
            return function(*args, **(kwargs or {}))

    with Counting():
        call()
    return counts


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("trunc_normal_", (0.0, 1.0, 2.0, 3.0)),
        ("trunc_normal_", (0.0, 0.2, 0.6, 100.0)),
        ("trunc_normal_", (0.0, 1.0, -2.0, 2.0)),
        ("sparse_", (0.1,)),
        ("sparse_", (0.9,)),
    ],
)
def test_the_number_of_operations_does_not_depend_on_the_size(name, arguments):
    few, many = (
        operations(lambda columns=columns: getattr(arrayinit, name)(torch.empty(10, columns), *arguments))
        for columns in (10, 1000)
    )
    assert few == many
    assert sum(count for operation, count in few.items() if "uniform_" in operation or "normal_" in operation) == 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(("a", "b"), [(-2.0, 2.0), (2.0, 3.0), (0.3, math.inf), (8.0, 9.0), (-0.01, 0.01)])
def test_truncated_normals_lie_within_their_bounds(a, b, dtype):
    x = torch.empty(100_000, dtype=getattr(torch, dtype))
    arrayinit.trunc_normal_(x, a=a, b=b, rng=torch.Generator().manual_seed(0))
    assert x.double().min() >= a
    assert x.double().max() <= b
    assert x.isfinite().all()


@pytest.mark.parametrize("sparsity", [0, 0.1, 0.5, 0.9, 1, 1 / 3])
@pytest.mark.parametrize(("rows", "columns"), [(1, 7), (7, 1), (10, 40), (33, 20), (100, 3)])
@pytest.mark.parametrize("memory", ["contiguous", "transposed"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "complex64"])
def test_each_sparse_column_has_its_zeros(rows, columns, sparsity, memory, dtype):
    x = torch.full((rows, columns), 7, dtype=getattr(torch, dtype))
    x = x.t().contiguous().t() if memory == "transposed" else x
    arrayinit.sparse_(x, sparsity, std=1.0, rng=torch.Generator().manual_seed(0))
    zeros, least = (x == 0).sum(dim=0), math.ceil(sparsity * rows)
    assert (zeros >= least).all()
    assert (zeros == least).all() or draws_zeros(x.dtype)
    assert (x != 7).all()


def draws_zeros(dtype):
    """Whether some of torch's own normals are zero, as those of torch 2.11 in bfloat16."""
    return (torch.empty(10_000, dtype=dtype).normal_(generator=torch.Generator().manual_seed(0)) == 0).any()


def test_every_row_is_as_likely_to_be_zero():
    zero = arrayinit.sparse_(torch.empty(10, 20_000), 0.3, rng=torch.Generator().manual_seed(0)) == 0
    # Five standard errors of a binomial frequency.
    error = 5 * math.sqrt(0.3 * 0.7 / 20_000)
    assert (zero.double().mean(dim=1) - 0.3).abs().max() < error


@every_random_function
def test_autograd_notices_what_numpy_drew(name):
    weight = empty(name, requires_grad=True)
    loss = (weight * weight).sum()
    fill(name, weight, rng=np.random.default_rng(0))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@every_random_function
def test_a_numpy_generator_ignores_the_default_device(name):
    x, expected = empty(name), fill(name, empty(name), rng=np.random.default_rng(0))
    with torch.device("meta"):
        fill(name, x, rng=np.random.default_rng(0))
    assert torch.equal(x, expected)


@pytest.mark.parametrize("memory", ["contiguous", "transposed", "strided"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
@pytest.mark.parametrize("name", ["uniform_", "normal_"])
def test_a_numpy_generator_gives_numpy_s_own_draws(name, dtype, memory):
    x = {
        "contiguous": lambda: torch.empty(9, 14),
        "transposed": lambda: torch.empty(14, 9).t(),
        "strided": lambda: torch.empty(18, 28)[::2, ::2],
    }[memory]()
    x = x.to(getattr(torch, dtype), memory_format=torch.preserve_format)
    draw = {"uniform_": "random", "normal_": "standard_normal"}[name]
    compute = dtype if dtype == "float64" else "float32"
    draws = getattr(np.random.default_rng(0), draw)((9, 14), dtype=compute)
    assert getattr(arrayinit, name)(x, rng=np.random.default_rng(0)) is x
    # torch rounds to nearest even.
    assert torch.equal(x, torch.from_numpy(draws).to(x.dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_"])
def test_a_numpy_generator_fills_torch_s_memory_without_a_copy(name, transposed, dtype):
    x = torch.empty(4096, 1024, dtype=getattr(torch, dtype))
    x, pointer = x.t() if transposed else x, x.data_ptr()
    tracemalloc.start()
    try:
        getattr(arrayinit, name)(x, rng=np.random.default_rng(0))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < x.nbytes / 2
    assert x.data_ptr() == pointer
    assert x.isfinite().all()


@pytest.mark.parametrize(
    "rng", [np.random.RandomState(0), random.Random(0), 1.5, True, "0"], ids=lambda rng: type(rng).__name__
)
@every_random_function
def test_other_generators_are_a_type_error_that_says_what_to_pass(name, rng):
    x = empty(name)
    with pytest.raises(TypeError, match=r"torch\.Generator"):
        fill(name, x, rng=rng)
    assert torch.equal(x, empty(name))


@pytest.mark.pairs
def test_a_jax_key_is_a_type_error(jax_library: Library):
    with pytest.raises(TypeError, match=r"torch\.Generator"):
        arrayinit.uniform_(torch.empty(3), rng=jax_library.generator(0))


@every_random_function
def test_threads_with_their_own_generators_do_not_disturb_each_other(name):
    def draw(seed: int) -> Any:
        x = torch.empty([4 * n for n in FUNCTIONS[name].shape])
        return fill(name, x, rng=torch.Generator().manual_seed(seed))

    serial = [draw(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert all(map(torch.equal, pool.map(draw, range(8)), serial))


@every_random_function
def test_threads_that_share_the_global_generator_draw_different_numbers(name):
    with ThreadPoolExecutor(8) as pool:
        drawn = torch.stack(list(pool.map(lambda _: fill(name, empty(name)), range(8))))
    assert drawn.isfinite().all()
    assert len(drawn.flatten(1).unique(dim=0)) == 8


def test_an_expanded_tensor_is_refused_by_torch_whatever_draws(torch_library):
    import torch

    for rng in (None, np.random.default_rng(0)):
        with pytest.raises(RuntimeError, match="single memory location"):
            arrayinit.uniform_(torch.empty(1, 3).expand(2, 3), rng=rng)
