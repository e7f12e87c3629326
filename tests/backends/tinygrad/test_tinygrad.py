"""Tensors of tinygrad: buffers, lazy values, captured programs, devices."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
from typing import Any

import numpy as np
import pytest
from libraries import FLOAT8, Library, no_such_case
from processes import run

import arrayinit as ai

tinygrad = pytest.importorskip("tinygrad", reason="tinygrad is not installed")
Tensor, dtypes, nn = tinygrad.Tensor, tinygrad.dtypes, pytest.importorskip("tinygrad.nn")


@pytest.fixture(autouse=True)
def tensors(tinygrad_library: Library) -> Library:
    """Let these tests run where tinygrad is asked for."""
    return tinygrad_library


def zeros(*shape: int) -> Any:
    return Tensor.zeros(*shape).contiguous().realize()


def by_numpy(shape: tuple[int, ...], rng: Any) -> np.ndarray:
    return ai.normal_(np.empty(shape, np.float32), rng=rng)


def test_a_tensor_keeps_its_buffer_and_all_else() -> None:
    layer = nn.Linear(5, 3)
    optimizer = nn.optim.SGD(nn.state.get_parameters(layer), lr=0.5)
    layer.weight.realize()
    weight, buffer = layer.weight, layer.weight.uop.base.realized
    (layer(Tensor.ones(2, 5)).sum()).backward()
    grad = weight.grad
    assert ai.normal_(weight, rng=0) is weight
    assert weight.uop.base.realized is buffer
    assert weight.grad is grad
    assert weight.is_param
    with tinygrad.Context(TRAINING=1):
        optimizer.step()
    expected = by_numpy((3, 5), 0) - 0.5 * grad.numpy()
    np.testing.assert_allclose(layer.weight.numpy(), expected, rtol=1e-6)


def test_what_a_lazy_tensor_was_to_be_is_never_computed() -> None:
    x = Tensor.kaiming_uniform(64, 64)
    tinygrad.GlobalCounters.reset()
    ai.normal_(x, rng=0)
    # The one copy from the host.
    assert tinygrad.GlobalCounters.kernel_count == 1
    np.testing.assert_array_equal(x.numpy(), by_numpy((64, 64), 0))


@pytest.mark.parametrize("name", ["bfloat16", *FLOAT8])
def test_bits_go_into_the_buffer_without_a_kernel(name: str, tinygrad_library: Library) -> None:
    x = ai.zeros_(tinygrad_library.empty((50, 40), name))
    buffer = x.uop.base.realized
    tinygrad.GlobalCounters.reset()
    ai.normal_(x, rng=0)
    assert tinygrad.GlobalCounters.kernel_count == 1
    assert x.uop.base.realized is buffer


def test_slices_are_copies() -> None:
    x = zeros(4, 3)
    part = x[1:3]
    ai.normal_(part, rng=0)
    np.testing.assert_array_equal(part.numpy(), by_numpy((2, 3), 0))
    assert not x.numpy().any()
    expanded = zeros(1, 3).expand(4, 3)
    np.testing.assert_array_equal(ai.normal_(expanded, rng=0).numpy(), by_numpy((4, 3), 0))


def test_a_captured_program_sees_the_new_values() -> None:
    x, scale = zeros(4, 3), Tensor([2.0]).realize()

    @tinygrad.TinyJit
    def program(scale: Any) -> Any:
        return (x * scale).sum(axis=0).realize()

    for seed in range(4):
        ai.normal_(x, rng=seed)
        np.testing.assert_allclose(program(scale).numpy(), 2 * by_numpy((4, 3), seed).sum(axis=0), rtol=1e-5)


def test_a_seed_may_be_captured_and_a_fresh_one_may_not() -> None:
    @tinygrad.TinyJit
    def seeded(x: Any) -> Any:
        return ai.normal_(x, rng=3)

    @tinygrad.TinyJit
    def fresh(x: Any) -> Any:
        return ai.normal_(x)

    for _ in range(4):
        np.testing.assert_array_equal(seeded(zeros(3)).numpy(), by_numpy((3,), 3))
    fresh(zeros(3))
    with pytest.raises(tinygrad.engine.jit.JitError, match="cannot access tensor data during JIT capture"):
        fresh(zeros(3))


def test_the_global_seed_holds() -> None:
    def drawn() -> list[list[float]]:
        return [ai.normal_(Tensor.empty(3)).tolist() for _ in range(2)]

    Tensor.manual_seed(5)
    first = drawn()
    assert first[0] != first[1]
    Tensor.manual_seed(5)
    assert drawn() == first
    Tensor.manual_seed(6)
    assert drawn() != first


def test_overlapping_copies() -> None:
    x = zeros(4, 4)
    values = by_numpy((4, 4), 0)
    for source, expected in (
        (lambda x: x.T, values.T),
        (lambda x: x.flip(0), values[::-1]),
        (lambda x: x + 1, values + 1),
        (lambda x: x, values),
    ):
        ai.normal_(x, rng=0)
        np.testing.assert_array_equal(ai.copy_(x, source(x)).numpy(), expected)


def test_a_file_is_written(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(bytes(24))
    x = Tensor(file).bitcast(dtypes.float32).reshape(2, 3)
    np.testing.assert_array_equal(ai.normal_(x, rng=0).numpy(), by_numpy((2, 3), 0))


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: Tensor.empty(10, 3)[: tinygrad.Variable("n", 1, 10).bind(3)], ValueError, "a size that is a variable"),
        (lambda: Tensor(3.0), TypeError, "x has dtype weakfloat, which is not supported"),
    ],
)
def test_what_has_no_memory_is_refused(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        ai.normal_(make(), rng=0)


def test_tensors_of_integers_are_no_seeds_but_single_ones() -> None:
    np.testing.assert_array_equal(ai.normal_(zeros(3), rng=Tensor([5]).reshape(())).numpy(), by_numpy((3,), 5))
    for x in (zeros(3), np.zeros(3)):
        with pytest.raises(TypeError, match=r"if it holds integers, rng\.numpy\(\) is a seed"):
            ai.normal_(x, rng=Tensor([1, 2]))


SHARDED = """
import numpy as np, arrayinit as ai
from tinygrad import Tensor, dtypes
devices = ("CPU:0", "CPU:1")
for axis in (0, 1, None):
    for dtype in (dtypes.float32, dtypes.bfloat16):
        x = Tensor.zeros(4, 6, dtype=dtype).contiguous().shard(devices, axis).realize()
        before = x.uop.axis, x.device, x.dtype
        assert ai.normal_(x, rng=0) is x
        assert (x.uop.axis, x.device, x.dtype) == before
        expected = ai.normal_(Tensor.empty(4, 6, dtype=dtype), rng=0).numpy()
        np.testing.assert_array_equal(x.to("CPU").numpy(), expected)
        np.testing.assert_array_equal(ai.copy_(np.empty((4, 6), "float32"), x), expected)
        y = Tensor.zeros(4, 6, dtype=dtype).contiguous().shard(devices, 0).realize()
        np.testing.assert_array_equal(ai.copy_(y, x).to("CPU").numpy(), expected)
        lazy = Tensor.rand(4, 6).cast(dtype).shard(devices, axis)
        np.testing.assert_array_equal(ai.normal_(lazy, rng=0).to("CPU").numpy(), expected)
        assert lazy.uop.axis == axis and lazy.device == before[1]
"""


def test_sharded_tensors_stay_sharded() -> None:
    if not (shutil.which("clang") or os.environ.get("CC")):
        no_such_case("tinygrad shards over no devices without clang")
    run(SHARDED, DEV="CPU")


def test_nothing_is_imported_for_other_arrays() -> None:
    code = "import numpy as np, arrayinit as ai, sys; ai.normal_(np.empty(3)); print('tinygrad' in sys.modules)"
    assert "False" in run(code)
    assert "tinygrad" in sys.modules
