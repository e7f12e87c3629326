"""A seed under torch.compile(fullgraph=True), on fake tensors and on meta tensors."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, DRAWS, FUNCTIONS, OWN_WAYS
from libraries import Library
from portable_calls import reference, same_bits
from torch_calls import assert_same, empty, fill

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")

SEEDS: dict[str, Any] = {
    "int": 5,
    "big int": 2**64 + 1,
    "list": [1, 2, 3],
    "SeedSequence": np.random.SeedSequence(9).spawn(3)[2],
    "fold_in": arrayinit.fold_in(2**70, "weight"),
}


@pytest.fixture(autouse=True)
def _forgotten_graphs(torch_library: Library) -> Iterator[None]:
    """Each test compiles for the first time."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def compiled(function: Any, backend: str = "aot_eager") -> Any:
    return torch.compile(function, fullgraph=True, backend=backend)


@pytest.mark.parametrize("name", DRAWN)
def test_a_compiled_function_has_the_values_of_the_eager_one(name):
    @compiled
    def fill_all(tensors: list[Any]) -> list[Any]:
        return [fill(name, x, rng=seed) for x, seed in zip(tensors, SEEDS.values(), strict=True)]

    tensors = [empty(name) for _ in SEEDS]
    for x, filled, seed in zip(tensors, fill_all(tensors), SEEDS.values(), strict=True):
        assert filled is x
        assert_same(name, x, fill(name, empty(name), rng=seed))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "complex64"])
def test_every_draw_has_the_bits_of_numpy(dtype, torch_library):
    draws = [draw for draw in DRAWS.values() if dtype in draw.dtypes]

    @compiled
    def fill_all(tensors: list[Any]) -> list[Any]:
        return [draw.fill(x) for draw, x in zip(draws, tensors, strict=True)]

    tensors = [torch_library.empty(draw.shape, dtype) for draw in draws]
    for draw, x, filled in zip(draws, tensors, fill_all(tensors), strict=True):
        assert filled is x
        same_bits(torch_library.to_numpy(x), reference(draw, dtype), dtype)


@pytest.mark.parametrize("layout", ["...IO", "IO...", "O...I"])
def test_a_layout_is_compiled(layout):
    function = compiled(lambda x: arrayinit.kaiming_normal_(x, layout=layout, rng=5))
    expected = arrayinit.kaiming_normal_(torch.empty(4, 6, 3, 5), layout=layout, rng=5)
    assert torch.equal(function(torch.empty(4, 6, 3, 5)), expected)


# torch 2.13's inductor imports what torch.jit has deprecated.
@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning:torch._inductor")
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="inductor needs a C++ compiler")
def test_inductor_computes_with_the_same_bits():
    def initialize(x: Any) -> Any:
        weight = fill("normal_", x, rng=5)
        return weight, (weight + 1.0) * 2.0

    weight, computed = compiled(initialize, "inductor")(empty("normal_"))
    expected = fill("normal_", empty("normal_"), rng=5)
    assert torch.equal(weight, expected)
    assert torch.equal(computed, (expected + 1.0) * 2.0)


CHANGING = {
    "integers": [0, 1, 5, 7, 2**31, 2**32, 2**33 + 1, 2**63, 2**64 + 1, 2**64 + 2, 2**70],
    "lists": [[1, 2], [1, 3], [7, 2**40], [8, 9, 10]],
    "SeedSequences": [*np.random.SeedSequence(9).spawn(3), np.random.SeedSequence(10)],
}


@pytest.mark.parametrize("kind", CHANGING)
@pytest.mark.parametrize("name", ["kaiming_uniform_", "sparse_"])
def test_a_seed_may_be_an_argument_that_changes(name, kind):
    function = compiled(lambda x, seed: fill(name, x, rng=seed))
    for seed in CHANGING[kind]:
        assert torch.equal(function(empty(name), seed), fill(name, empty(name), rng=seed))


def test_many_seeds_need_no_graph_of_their_own():
    graphs = []

    def count(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    function = compiled(lambda x, seed: fill("uniform_", x, rng=seed), count)
    for seed in range(2, 50):
        assert torch.equal(function(empty("uniform_"), seed), fill("uniform_", empty("uniform_"), rng=seed))
    assert len(graphs) <= 3


@pytest.mark.parametrize(
    ("name", "keyword"),
    [
        ("uniform_", "b"),
        ("normal_", "std"),
        ("trunc_normal_", "std"),
        ("xavier_uniform_", "gain"),
        ("kaiming_normal_", "a"),
        ("orthogonal_", "gain"),
    ],
)
def test_a_compiled_function_takes_another_number(name, keyword):
    function = compiled(lambda x, value: getattr(arrayinit, name)(x, **{keyword: value}, rng=5))
    for value in (0.5, 0.75, 2.0):
        expected = getattr(arrayinit, name)(empty(name), **{keyword: value}, rng=5)
        assert_same(name, function(empty(name), value), expected)


@pytest.mark.parametrize("name", OWN_WAYS)
def test_compiled_parameters_stay_leaves_and_know_of_the_write(name):
    x = torch.nn.Parameter(empty(name))
    before = x._version
    assert compiled(lambda x: fill(name, x, rng=5))(x) is x
    assert x.is_leaf
    assert x.requires_grad
    assert x.grad_fn is None
    assert x._version > before
    assert_same(name, x.detach(), fill(name, empty(name), rng=5))


@pytest.mark.parametrize("name", ["kaiming_uniform_", "kaiming_normal_", "orthogonal_", "sparse_"])
def test_a_compiled_function_takes_strided_tensors_and_other_shapes(name):
    function = compiled(lambda x: fill(name, x, rng=5))
    shape = FUNCTIONS[name].shape
    for extra in (0, 2, 4):
        whole = torch.full((*(n + extra for n in shape[::-1]), 2), 7.0)
        x = whole[..., 1].permute(tuple(range(len(shape)))[::-1])
        function(x)
        assert_same(name, x, fill(name, torch.empty(x.shape), rng=5))
        assert (whole[..., 0] == 7).all()


@pytest.mark.parametrize("inside", [True, False], ids=["inside the mode", "outside the mode"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", DRAWN)
def test_fake_tensors_stay_fake(name, seed, inside):
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    mode = FakeTensorMode()
    if inside:
        with mode:
            x = torch.nn.Parameter(empty(name))
            returned = fill(name, x, rng=SEEDS[seed])
    else:
        x = mode.from_tensor(empty(name))
        returned = fill(name, x, rng=SEEDS[seed])
    assert returned is x
    assert isinstance(x, FakeTensor)
    assert tuple(x.shape) == FUNCTIONS[name].shape


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", DRAWN)
def test_a_meta_tensor_is_returned_untouched(name, seed):
    for x in (empty(name, device="meta"), torch.nn.Parameter(empty(name, device="meta", dtype=torch.bfloat16))):
        assert fill(name, x, rng=SEEDS[seed]) is x
        assert x.is_meta


WRONG: list[tuple[str, tuple[int, ...], dict[str, Any], type[Exception]]] = [
    ("uniform_", (3,), {"a": 2.0, "b": 1.0}, ValueError),
    ("uniform_", (3,), {"b": 1e39}, ValueError),
    ("uniform_", (3,), {"a": 1.0 + 2.0**-30, "b": 1.0 + 2.0**-29}, ValueError),
    ("normal_", (3,), {"std": -1.0}, ValueError),
    ("normal_", (3,), {"mean": math.nan}, ValueError),
    ("trunc_normal_", (3,), {"std": 0.0}, ValueError),
    ("trunc_normal_", (3,), {"a": 1.0 + 2.0**-30, "b": 1.0 + 2.0**-29}, ValueError),
    ("xavier_uniform_", (3,), {}, ValueError),
    ("xavier_normal_", (3, 4), {"layout": "XY"}, ValueError),
    ("kaiming_uniform_", (3, 4), {"mode": "fan"}, ValueError),
    ("kaiming_normal_", (3, 4), {"layout": "OIB"}, ValueError),
    ("orthogonal_", (3,), {}, ValueError),
    ("orthogonal_", (3, 4), {"gain": math.inf}, ValueError),
    ("sparse_", (3, 4), {"sparsity": 1.5}, ValueError),
    ("sparse_", (3, 4, 5), {"sparsity": 0.5}, ValueError),
    ("uniform_", (3,), {"rng": -1}, ValueError),
    ("uniform_", (3,), {"rng": []}, ValueError),
    ("orthogonal_", (3, 4), {"rng": [1, -1]}, ValueError),
    ("sparse_", (3, 4), {"sparsity": 0.5, "rng": [0.5]}, TypeError),
    ("normal_", (3,), {"rng": True}, TypeError),
]


@pytest.mark.parametrize(("name", "shape", "arguments", "error"), WRONG)
@pytest.mark.parametrize("kind", ["cpu", "meta", "fake"])
def test_bad_arguments_raise_before_anything_is_written(name, shape, arguments, error, kind):
    from torch._subclasses.fake_tensor import FakeTensorMode

    x = torch.full(shape, 7.0, device="cpu" if kind == "fake" else kind)
    x = FakeTensorMode().from_tensor(x) if kind == "fake" else x
    with pytest.raises(error):
        getattr(arrayinit, name)(x, **{"rng": 5, **arguments})
    assert x._version == 0
    if kind == "cpu":
        assert (x == 7).all()


def test_a_tensor_without_elements_is_compiled():
    for shape in ((0,), (3, 0)):
        x = torch.empty(shape)
        assert compiled(lambda x: DRAWS["normal_"].fill(x))(x) is x
