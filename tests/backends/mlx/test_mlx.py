"""MLX arrays: shared buffers, lazy values, function transformations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from cases import DRAWN
from libraries import Library

import arrayinit as ai
from arrayinit.backends import Rebound
from arrayinit.backends.registry import backend_of

mx = pytest.importorskip("mlx.core", reason="MLX is not installed")

# MLX decomposes no matrix that is batched over a function, and gives float32 numbers alone.
LAZY = sorted(set(DRAWN) - {"orthogonal_", "delta_orthogonal_"})


@pytest.fixture(autouse=True)
def mlx(mlx_library: Library) -> Library:
    """Let these tests run where MLX is asked for."""
    return mlx_library


def by_numpy(shape: tuple[int, ...], rng: Any, **options: Any) -> np.ndarray:
    return ai.normal_(np.empty(shape, np.float32), rng=rng, **options)


def test_the_array_is_the_same_object_and_its_slices_are_copies() -> None:
    x = mx.zeros((4, 3))
    assert isinstance(backend_of(x), Rebound)
    assert ai.normal_(x, rng=0) is x
    ai.zeros_(x[0])
    np.testing.assert_array_equal(np.array(x), by_numpy((4, 3), 0))


@pytest.mark.parametrize("rng", [0, mx.random.key(0), None], ids=["seed", "key", "None"])
def test_arrays_that_share_the_buffer_keep_their_values(rng: Any) -> None:
    x = mx.ones((4, 3)) * 2
    mx.eval(x)
    others = [x.reshape(12), x.T, x[1:], x.view(mx.int32), mx.stop_gradient(x)]
    mx.eval(*others)
    before = [np.array(other) for other in others]
    seen = np.asarray(x)
    ai.normal_(x, rng=rng)
    mx.eval(x)
    for other, values in zip(others, before, strict=True):
        np.testing.assert_array_equal(np.array(other), values)
    assert (seen == 2).all()
    assert np.ptp(np.array(x)) > 0.5


def test_a_seed_fills_memory_that_no_later_draw_writes() -> None:
    first = ai.normal_(mx.zeros((100, 100)), rng=0)
    for seed in range(1, 20):
        ai.normal_(mx.zeros((100, 100)), rng=seed)
    np.testing.assert_array_equal(np.array(first), by_numpy((100, 100), 0))


def test_a_copy_shares_no_memory_with_its_source() -> None:
    source = mx.ones((3,))
    x = ai.copy_(mx.zeros((3,)), source)
    assert not np.shares_memory(np.asarray(x), np.asarray(source))
    host = np.ones(3, np.float32)
    ai.copy_(x, host)
    host[:] = 5
    assert x.tolist() == [1, 1, 1]


def test_nothing_is_evaluated_that_is_not_needed() -> None:
    mx.clear_cache()
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    # 16 MB that are never computed, since x gets new values.
    x = mx.ones((2000, 2000)) + mx.ones((2000, 2000))
    ai.normal_(x, rng=mx.random.key(0))
    ai.copy_(x, mx.ones((2000, 2000)))
    assert mx.get_peak_memory() - before < 1e6
    ai.uniform_(x, rng=0)
    assert mx.get_peak_memory() - before < 17e6


@pytest.mark.parametrize("name", LAZY)
def test_a_key_may_be_traced(name: str) -> None:
    def fill(key: Any) -> Any:
        return DRAWN[name].fill(mx.zeros(DRAWN[name].shape), key)

    keys = mx.random.split(mx.random.key(3), 2)
    expected = [np.array(fill(key)) for key in keys]
    np.testing.assert_allclose(np.array(mx.compile(fill)(keys[0])), expected[0], rtol=1e-5, atol=1e-6)
    if name != "sparse_":
        np.testing.assert_array_equal(np.array(mx.vmap(fill)(keys)), expected)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("transform", [mx.compile, lambda f: lambda x: mx.grad(lambda y: f(y).sum())(x)])
def test_a_seed_is_the_same_under_a_trace(name: str, transform: Callable[..., Any]) -> None:
    case = DRAWN[name]
    held = []

    def fill(x: Any) -> Any:
        y = case.fill(x + 1)
        held.append(y)
        return y

    made = transform(fill)(mx.zeros(case.shape))
    expected = np.array(case.fill(mx.zeros(case.shape)))
    # The numbers do not depend on what x was.
    np.testing.assert_array_equal(np.array(made if transform is mx.compile else held[0]), expected)
    if transform is not mx.compile:
        assert not np.array(made).any()


def test_the_global_state_may_be_captured() -> None:
    @partial(mx.compile, inputs=mx.random.state, outputs=mx.random.state)
    def fill(x: Any) -> Any:
        return ai.normal_(x + 0)

    mx.random.seed(5)
    x = mx.zeros((3,))
    compiled = [fill(x).tolist() for _ in range(2)]
    mx.random.seed(5)
    # Compiled and eager programs differ in the last bits, by more in MLX 0.32.0 than later.
    np.testing.assert_allclose(compiled, [ai.normal_(mx.zeros((3,))).tolist() for _ in range(2)], rtol=1e-5)


def test_a_traced_array_is_copied_within_mlx_and_not_out_of_it() -> None:
    x = mx.array([1.5, 2.5])
    assert mx.compile(lambda x: ai.copy_(mx.zeros((2,), mx.float16), x))(x).tolist() == [1.5, 2.5]
    with pytest.raises(
        TypeError, match=r"source .* cannot be read: under mx.compile and mx.vmap an array has no values"
    ):
        mx.compile(lambda x: ai.copy_(np.zeros(2), x))(x)
    with pytest.raises(
        TypeError, match=r"b must be a concrete number, got a array of dtype mlx.core.float32 without a"
    ):
        mx.compile(lambda x: ai.uniform_(mx.zeros((2,)), 0, x[0], rng=0))(x)


def test_float64_is_filled_while_the_default_device_is_any() -> None:
    x = mx.zeros((3, 2), mx.float64, stream=mx.cpu)
    np.testing.assert_array_equal(np.array(ai.normal_(x, rng=4)), ai.normal_(np.empty((3, 2)), rng=4))
    y = ai.copy_(mx.zeros((3, 2), mx.bfloat16), x)
    again = ai.copy_(np.empty((3, 2), np.float32), y)
    assert abs(again - np.array(x)).max() < 2**-7 * abs(np.array(x)).max()
