"""copy_ into tensors and from them: autograd, overlapping memory, meta and fake tensors, torch.compile, DTensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from copy_sources import array
from hard_numbers import SIZE, expected, hard
from libraries import Library, no_such_case

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")


@pytest.mark.parametrize("origin", ["numpy", "torch", pytest.param("jax", marks=pytest.mark.pairs)])
def test_no_trace_is_left_in_autograd(origin: str) -> None:
    x = torch.nn.Parameter(torch.zeros(6))
    before = x._version
    source = array(origin, np.arange(6, dtype="float64"), "float64")
    if origin == "torch":
        source.requires_grad_()
    assert arrayinit.copy_(x, source) is x
    assert x.is_leaf
    assert x.requires_grad
    assert x._version > before
    assert torch.equal(x.detach(), torch.arange(6.0))


@pytest.mark.pairs
@pytest.mark.parametrize("name", ["grad", "conj", "neg", "expanded"])
def test_every_kind_of_tensor_is_read(name: str, library: Library) -> None:
    z = torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex64)
    source = {
        "grad": torch.nn.Parameter(z),
        "conj": z.conj(),
        "neg": z.conj().imag,
        "expanded": torch.tensor(3.0).expand(2),
    }[name]
    dtype = str(source.dtype).removeprefix("torch.")
    if not library.has(dtype):
        no_such_case(f"{library.name} has no {dtype}")
    y = arrayinit.copy_(library.empty((2,), dtype), source)
    np.testing.assert_array_equal(library.to_numpy(y), source.detach().resolve_conj().resolve_neg().numpy())


@pytest.mark.pairs
def test_arrays_in_a_list_are_read_by_their_libraries(library: Library) -> None:
    rows = [array("torch", np.full(3, 1.0, "float32"), "bfloat16"), np.full(3, 2.0), (3.0, 3, True)]
    y = arrayinit.copy_(library.empty((3, 3), "float32"), rows)
    np.testing.assert_array_equal(library.to_numpy(y), [[1, 1, 1], [2, 2, 2], [3, 3, 1]])


def test_conjugated_and_strided_tensors_are_filled() -> None:
    z = torch.zeros(2, dtype=torch.complex64)
    values = np.array([1 + 2j, 3 - 4j], "complex64")
    x = z.conj()
    assert arrayinit.copy_(x, values) is x
    np.testing.assert_array_equal(z.numpy(), values.conj())
    x = torch.zeros(2, 3, 4, 5).to(memory_format=torch.channels_last)
    values = np.random.default_rng(0).standard_normal(x.shape)
    arrayinit.copy_(x, values)
    assert x.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(x.numpy(), values.astype("float32"))


@pytest.mark.parametrize("by", ["tensor", "NumPy's view", "another tensor", "float64"])
def test_a_tensor_that_overlaps_the_source_is_right(by: str) -> None:
    x = torch.arange(40_000.0).reshape(200, 200)
    before = x.t().clone()
    source = {
        "tensor": lambda: x.t(),
        "NumPy's view": lambda: x.numpy().T,
        "another tensor": lambda: torch.from_numpy(x.numpy()).t(),
        "float64": lambda: x.t().double(),
    }[by]()
    assert torch.equal(arrayinit.copy_(x, source), before)
    assert torch.equal(arrayinit.copy_(x, x), before)


def test_an_expanded_tensor_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"share a single memory location: pass x\.clone\(\)"):
        arrayinit.copy_(torch.zeros(3).expand(2, 3), np.ones((2, 3)))


def test_sparse_tensors_are_refused_with_what_to_do() -> None:
    x = np.ones((2, 2))
    with pytest.raises(TypeError, match=r"source is a tensor of layout torch.sparse_coo.*source\.to_dense"):
        arrayinit.copy_(x, torch.eye(2).to_sparse())


def fake(*shape: int, dtype: str = "float32") -> Any:
    from torch._subclasses.fake_tensor import FakeTensorMode

    return FakeTensorMode().from_tensor(torch.zeros(*shape, dtype=getattr(torch, dtype)))


@pytest.mark.pairs
@pytest.mark.parametrize("kind", ["meta", "fake"])
def test_what_has_no_values_is_refused_by_what_has(kind: str, library: Library) -> None:
    source = fake(3) if kind == "fake" else torch.zeros(3, device="meta")
    x = library.full((3,), "float32", 1)
    with pytest.raises(TypeError, match=r"without values|has no values"):
        arrayinit.copy_(x, source)
    np.testing.assert_array_equal(library.to_numpy(x), 1)


@pytest.mark.usefixtures("torch_library")
def test_what_is_mapped_has_no_values_for_other_libraries() -> None:
    x = np.full(3, 7.0, "float32")
    with pytest.raises(TypeError, match=r"source of type Tensor cannot be read: a tensor .* within torch\.func has no"):
        torch.vmap(lambda row: torch.from_numpy(arrayinit.copy_(x, row)))(torch.zeros(2, 3))
    assert (x == 7).all()


@pytest.mark.pairs
@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
@pytest.mark.parametrize("dtype", ["float8_e8m0fnu", "complex32"])
def test_a_dtype_that_is_not_supported_is_named(dtype: str, library: Library) -> None:
    source = torch.empty(3, dtype=getattr(torch, dtype))
    wide = "complex64" if dtype == "complex32" else "float32"
    x = library.full((3,), "float32", 7)
    for given in (source, [source]):
        with pytest.raises(TypeError, match=rf"source must be an array of .* of dtype {dtype}; convert it to {wide} f"):
            arrayinit.copy_(x, given)
    assert (library.to_numpy(x) == 7).all()


@pytest.mark.pairs
@pytest.mark.parametrize("kind", ["meta", "fake"])
@pytest.mark.parametrize("origin", ["numpy", "torch", "the same"])
def test_what_has_no_values_is_returned_untouched(kind: str, origin: str) -> None:
    x = fake(3, dtype="bfloat16") if kind == "fake" else torch.zeros(3, device="meta", dtype=torch.bfloat16)
    source = x.double() if origin == "the same" else array(origin, np.zeros(3), "float64")
    assert arrayinit.copy_(x, source) is x
    assert x.shape == (3,)
    with pytest.raises(ValueError, match="source has shape"):
        arrayinit.copy_(x, np.zeros(4))
    with pytest.raises(TypeError, match="complex"):
        arrayinit.copy_(x, np.zeros(3, complex))


@pytest.mark.parametrize(
    ("given", "dtype"), [("float32", "float32"), ("float64", "bfloat16"), ("int64", "bfloat16"), ("float64", "float16")]
)
def test_a_compiled_copy_rounds_as_an_eager_one(given: str, dtype: str, torch_library: Library) -> None:
    torch.compiler.reset()
    values, x = hard(given, dtype), torch.nn.Parameter(torch.zeros(SIZE, dtype=getattr(torch, dtype)))
    compiled = torch.compile(arrayinit.copy_, fullgraph=True, backend="aot_eager")
    assert compiled(x, torch.from_numpy(values)) is x
    assert x.is_leaf
    np.testing.assert_array_equal(torch_library.to_numpy(x), expected(given, dtype))


@pytest.fixture(params=["alone", "second of two"])
def mesh(request: pytest.FixtureRequest, torch_library: Library) -> Iterator[Any]:
    """A mesh of one process, or of two that send nothing, of which this is the second."""
    import torch.distributed as dist

    if request.param == "alone":
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    else:
        from torch.testing._internal.distributed.fake_pg import FakeStore

        dist.init_process_group("fake", store=FakeStore(), rank=1, world_size=2)
    yield dist.init_device_mesh("cpu", (dist.get_world_size(),))
    dist.destroy_process_group()


@pytest.mark.parametrize("origin", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_each_process_keeps_its_own_part_of_the_source(origin: str, dtype: str, mesh: Any) -> None:
    from torch.distributed.tensor import Shard, distribute_tensor

    x = torch.zeros(5, 4, dtype=getattr(torch, dtype))
    x = torch.nn.Parameter(distribute_tensor(x, mesh, [Shard(0)], src_data_rank=None))
    values = np.arange(20.0).reshape(5, 4)
    assert arrayinit.copy_(x, array(origin, values, "float64")) is x
    own = np.array_split(values, [3]) if mesh.size() == 2 else [values]
    np.testing.assert_array_equal(x.detach().to_local().double().numpy(), own[mesh.get_local_rank()])


@pytest.mark.pairs
def test_a_dtensor_is_read_whole(library: Library) -> None:
    import torch.distributed as dist
    from torch.distributed.tensor import Shard, distribute_tensor

    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        mesh = dist.init_device_mesh("cpu", (1,))
        source = distribute_tensor(torch.arange(6.0), mesh, [Shard(0)])
        y = arrayinit.copy_(library.empty((6,), "float32"), source)
        np.testing.assert_array_equal(library.to_numpy(y), np.arange(6))
        x = distribute_tensor(torch.zeros(6, dtype=torch.bfloat16), mesh, [Shard(0)])
        assert arrayinit.copy_(x, source.double()).full_tensor().tolist() == [0, 1, 2, 3, 4, 5]
    finally:
        dist.destroy_process_group()


def test_vmap_copies_each_slice() -> None:
    source = torch.arange(6.0).reshape(2, 3)
    assert torch.equal(torch.vmap(lambda s: arrayinit.copy_(torch.zeros_like(s), s))(source), source)
