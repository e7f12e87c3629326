"""Paddle: memory is written where it is, its own seed holds, and what has no values is refused with a way out."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from libraries import Library

import arrayinit as ai
from arrayinit import testing
from arrayinit.backends.registry import backend_of

DTYPES = ("float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128")
STATIC = "in a static graph or in paddle.jit.to_static: fill it before, outside"


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_parameter_is_written_where_it_is(dtype: str, paddle: Any) -> None:
    x = paddle.base.framework.EagerParamBase(paddle.ones([3, 4]).astype(dtype), trainable=True)
    address, version, name = x.data_ptr(), x.inplace_version, x.name
    assert ai.normal_(x, rng=0) is x
    assert (x.data_ptr(), x.inplace_version, x.name) == (address, version + 1, name)
    assert (x.is_leaf, x.stop_gradient, x.trainable) == (True, False, True)
    assert x.dtype == getattr(paddle, dtype)


def test_a_write_is_seen_by_autograd_as_paddle_s_own(paddle: Any) -> None:
    x = paddle.ones([3])
    x.stop_gradient = False
    y = x * x
    total = (y * y).sum()
    ai.zeros_(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()
    total = (x * x).sum()
    total.backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_the_gradient_of_a_filled_parameter_is_that_of_its_values(paddle: Any) -> None:
    layer = paddle.nn.Linear(3, 2)
    ai.normal_(layer.weight, rng=0)
    (layer(paddle.ones([1, 3])) ** 2).sum().backward()
    expected = 2 * np.ones((3, 1)) * (ai.normal_(np.empty((3, 2), "float32"), rng=0).sum(0) + layer.bias.numpy())
    np.testing.assert_allclose(layer.weight.grad.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", [*DTYPES, "int64", "bool"])
@pytest.mark.parametrize("index", [np.s_[1:3], np.s_[::-2, 1::2], np.s_[2], np.s_[1, 2], np.s_[:, None], np.s_[1:1]])
def test_a_slice_is_a_view(dtype: str, index: Any, library: Library) -> None:
    x, expected = library.full((6, 5), dtype, 1), np.ones((6, 5), "complex128")
    values = np.random.default_rng(0).integers(0, 2, expected[index].shape) > 0
    ai.copy_(x[index], values)
    expected[index] = values
    np.testing.assert_array_equal(library.to_numpy(x), expected)


def test_a_copy_onto_itself(paddle: Any) -> None:
    for dtype in ("float32", "bfloat16", "float8_e5m2"):
        x = paddle.arange(6).astype("float32").astype(dtype)
        ai.copy_(x[1:], x[:-1])
        assert x.astype("float32").tolist() == [0, 0, 1, 2, 3, 4]


def test_overlapping_memory_is_refused(paddle: Any) -> None:
    x = paddle.zeros([6]).as_strided([3, 2], [1, 1])
    with pytest.raises(ValueError, match=r"^elements of x, of shape \(3, 2\), share memory: pass x\.clone\(\)$"):
        ai.normal_(x, rng=0)
    assert not x.any()


def test_the_seed_of_paddle_holds(paddle: Any) -> None:
    def drawn() -> list[bytes]:
        return [ai.normal_(paddle.empty([5])).numpy().tobytes() for _ in range(3)]

    paddle.seed(3)
    first, second = drawn(), drawn()
    assert len({*first, *second}) == 6
    paddle.seed(3)
    assert drawn() == first
    paddle.seed(4)
    assert drawn() != first


def test_a_generator_of_paddle_is_refused_with_a_seed(paddle: Any) -> None:
    with pytest.raises(TypeError, match=r"^rng for a Paddle tensor must be None, .*: rng\.initial_seed\(\) is a seed$"):
        ai.normal_(paddle.empty([3]), rng=paddle.Generator())
    with pytest.raises(TypeError, match=r"rng\.initial_seed\(\) is a seed$"):
        ai.normal_(np.empty(3), rng=paddle.Generator())


def test_numbers_and_seeds_may_be_tensors(paddle: Any) -> None:
    x = ai.normal_(paddle.empty([3]), std=paddle.to_tensor(0.5), rng=paddle.to_tensor(7))
    assert x.tolist() == ai.normal_(np.empty(3, "float32"), std=0.5, rng=7).tolist()


def test_a_tensor_without_elements(paddle: Any) -> None:
    for x in (paddle.Tensor(), paddle.empty([0, 3])):
        assert ai.normal_(x, rng=0) is x


def sparse(paddle: Any) -> Any:
    return paddle.sparse.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], [2, 2])


def distributed(paddle: Any) -> Any:
    mesh = paddle.distributed.ProcessMesh([0], dim_names=["x"])
    return paddle.distributed.shard_tensor(paddle.ones([2, 2]), mesh, [paddle.distributed.Shard(0)])


def lazy(paddle: Any) -> Any:
    with paddle.LazyGuard():
        return paddle.nn.Linear(2, 2).weight


def cleared(paddle: Any) -> Any:
    x = paddle.ones([2, 2])
    x._clear()
    return x


REFUSED = {
    sparse: (TypeError, "{0} is sparse, without an element at each index: pass {0}.values() or {0}.to_dense()"),
    distributed: (
        TypeError,
        "{0} is distributed: fill the whole tensor, and then call paddle.distributed.shard_tensor",
    ),
    lazy: (RuntimeError, "{0} of shape (2, 2) has no memory yet: call {0}.initialize()"),
    cleared: (RuntimeError, "{0} of shape () has no memory yet: call {0}.initialize()"),
}


@pytest.mark.parametrize("made", REFUSED)
def test_what_has_no_memory_of_its_own_is_refused(made: Any, paddle: Any) -> None:
    x, (error, text) = made(paddle), REFUSED[made]
    for fill in (ai.zeros_, ai.normal_, ai.orthogonal_):
        with pytest.raises(error) as raised:
            fill(x)
        assert str(raised.value) == text.format("x")
    with pytest.raises(error) as raised:
        ai.copy_(np.empty((2, 2)), x)
    assert str(raised.value) == text.format("source")


def test_the_values_of_a_sparse_tensor_are_filled(paddle: Any) -> None:
    x = sparse(paddle)
    ai.constant_(x.values(), 5)
    assert x.to_dense().tolist() == [[0, 5], [5, 0]]


def test_a_lazy_parameter_is_filled_once_it_has_memory(paddle: Any) -> None:
    x = lazy(paddle)
    x.initialize()
    assert ai.ones_(x).tolist() == [[1, 1], [1, 1]]


def test_a_static_graph_is_refused(paddle: Any) -> None:
    x = paddle.ones([3])
    paddle.enable_static()
    try:
        with paddle.static.program_guard(paddle.static.Program()):
            for given in (x, paddle.static.data("a", [3, 4], "float32"), paddle.static.data("b", [-1, 4], "float32")):
                for fill in (ai.zeros_, ai.normal_, ai.kaiming_normal_):
                    if fill is not ai.kaiming_normal_ or given is not x:
                        with pytest.raises(TypeError, match=f"^x cannot be filled {STATIC}$"):
                            fill(given)
            with pytest.raises(TypeError, match=f"^source cannot be filled {STATIC}$"):
                ai.copy_(np.empty((3, 4)), paddle.static.data("c", [3, 4], "float32"))
            with pytest.raises(TypeError, match=r"^std must be a concrete number"):
                ai.normal_(np.empty(3), std=paddle.static.data("d", [], "float32"))
    finally:
        paddle.disable_static()
    assert x.tolist() == [1, 1, 1]


def test_a_translated_function_is_refused(paddle: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Paddle writes the translation to this folder.
    monkeypatch.setenv("HOME", str(tmp_path))
    weight = ai.ones_(paddle.empty([2]))

    @paddle.jit.to_static(full_graph=True)
    def forward(x: Any) -> Any:
        ai.normal_(weight, rng=0)
        return x + weight

    with pytest.raises(TypeError, match=STATIC):
        forward(paddle.zeros([2]))
    assert weight.tolist() == [1, 1]


def test_another_device_is_filled_by_copies_from_the_host(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if the memory of these tensors, which is on the host, could not be written from there.
    x = library.empty((2,), "float32")
    monkeypatch.setattr(type(x.place), "is_cpu_place", lambda _: False)
    testing.check_library(testing.Library("paddle", library.empty, library.to_numpy, library.dtypes))


def test_an_array_of_numpy_shares_the_memory_and_keeps_it_alive(paddle: Any) -> None:
    x = ai.ones_(paddle.empty([1000, 1000]))
    backend = backend_of(x)
    *_, seen = backend.read(x)
    ai.constant_(x, 2)
    assert (seen == 2).all()
    del x
    others = [ai.zeros_(paddle.empty([1000, 1000])) for _ in range(3)]
    assert (seen == 2).all()
    del others


def test_paddle_is_imported_by_its_own_arrays_alone(library: Library) -> None:
    code = """
import sys
import numpy as np
import arrayinit
arrayinit.normal_(np.empty(3), rng=0)
assert "paddle" not in sys.modules
sys.modules["paddle"] = None
arrayinit.normal_(np.empty(3), rng=0)
"""
    path = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": path})
