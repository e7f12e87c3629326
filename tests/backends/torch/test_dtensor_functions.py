"""What draws nothing, or the whole, on torch's DTensors: each process keeps its part, and talks to no other."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from cases import DRAWN, FIXED, FUNCTIONS
from fake_processes import distributed, every_mesh, process, processes, same_part
from portable_calls import TOLERANCE
from torch_calls import fill

import arrayinit as ai

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    import torch.distributed as dist
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.distributed.tensor import DTensor, Replicate, Shard, empty
    from torch.distributed.tensor.debug import CommDebugMode

pytestmark = pytest.mark.usefixtures("torch_library")

FSDP2 = "2 x 2, _StridedShard(0) and Shard(0)"
MATRICES = {
    "tall": ("orthogonal_", (9, 5), {}),
    "wide": ("orthogonal_", (5, 9), {"gain": 2.0}),
    "kernel": ("orthogonal_", (6, 5, 3), {}),
    "channels last": ("orthogonal_", (3, 5, 6), {"layout": "...IO"}),
    "batch": ("orthogonal_", (5, 4, 3), {"layout": "BIO"}),
    "delta": ("delta_orthogonal_", (7, 5, 3, 2), {}),
}


def silently(function, x, *args, **kwargs):
    """Fill a DTensor; raise AssertionError if processes communicate, or autograd does not hear of it."""
    before = x._version
    with CommDebugMode() as communication:
        assert function(x, *args, **kwargs) is x
    assert communication.get_total_counts() == 0
    assert x._version > before
    return x


@every_mesh
@pytest.mark.parametrize("name", FIXED)
def test_what_draws_nothing_is_cut(name, mesh, torch_library):
    check_fixed(name, "float32", mesh, torch_library)


@pytest.mark.parametrize("dtype", ["bfloat16", "uint16", "float8_e4m3fn"])
@pytest.mark.parametrize("name", FIXED)
def test_what_draws_nothing_is_cut_in_other_dtypes(name, dtype, torch_library):
    check_fixed(name, dtype, FSDP2, torch_library)


def check_fixed(name, dtype, mesh, library):
    shape, arguments = FIXED[name].shape, FIXED[name].arguments
    if dtype == "uint16":
        arguments = {key: np.asarray(value).astype(dtype)[()] for key, value in arguments.items()}
    whole = getattr(ai, name)(torch.full(shape, 7, dtype=getattr(torch, dtype)), **arguments)
    for devices, placements in processes(mesh):
        x = distributed(torch.full(shape, 7, dtype=whole.dtype), devices, placements)
        same_part(silently(getattr(ai, name), x, **arguments), whole, library)


@every_mesh
@pytest.mark.parametrize("name", ["trunc_normal_", "sparse_", "orthogonal_"])
def test_a_generator_of_numpy_is_drawn_in_order_and_each_process_keeps_its_part(name, mesh, torch_library):
    case = DRAWN[name]
    whole = case.fill(torch.empty(case.shape), np.random.default_rng(3))
    for devices, placements in processes(mesh):
        x = distributed(torch.full(case.shape, 7.0), devices, placements)
        same_part(silently(case.fill, x, np.random.default_rng(3)), whole, torch_library)


@every_mesh
@pytest.mark.parametrize("matrix", ["tall", "delta"])
def test_each_process_makes_an_orthogonal_matrix_and_keeps_its_part(matrix, mesh):
    check_orthogonal(matrix, "float32", mesh)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "complex64"])
@pytest.mark.parametrize("matrix", MATRICES)
def test_other_orthogonal_matrices(matrix, dtype):
    check_orthogonal(matrix, dtype, FSDP2)


def check_orthogonal(matrix, dtype, mesh):
    name, shape, arguments = MATRICES[matrix]
    whole = getattr(ai, name)(torch.empty(shape, dtype=getattr(torch, dtype)), **arguments, rng=5)
    for devices, placements in processes(mesh):
        x = silently(
            getattr(ai, name), distributed(torch.full_like(whole, 7.0), devices, placements), **arguments, rng=5
        )
        expected = distributed(whole, devices, placements).to_local()
        torch.testing.assert_close(x.to_local(), expected, rtol=0, atol=arguments.get("gain", 1) * TOLERANCE[dtype])


@every_mesh
def test_copies_between_dtensors(mesh, torch_library):
    """Of the same placement each process copies its own part; what each has as a whole is cut."""
    whole = torch.arange(120, dtype=torch.float64).view(12, 10) / 7
    expected = ai.copy_(torch.empty(12, 10, dtype=torch.bfloat16), whole)
    for devices, placements in processes(mesh):
        for source in (placements, [Replicate()] * len(placements)):
            x = distributed(torch.zeros(12, 10, dtype=torch.bfloat16), devices, placements)
            same_part(silently(ai.copy_, x, distributed(whole, devices, source)), expected, torch_library)


def test_a_source_that_is_not_cut_as_torch_cuts_is_refused():
    with process(1, 4) as mesh:
        x = distributed(torch.full((12, 10), 7.0), mesh, [Shard(0)])
        one = DTensor.from_local(torch.ones(1, 10), mesh, [Shard(0)], shape=(12, 10), stride=(10, 1), run_check=False)
        with pytest.raises(ValueError, match=r"shards of \(3, 10\) and \(1, 10\) in this process: make them with"):
            ai.copy_(x, one)
        assert (x.to_local() == 7).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_there_is_nothing_to_do_outside_of_the_mesh_and_without_memory(name):
    arguments = {"rng": 0} if name in DRAWN else {}
    shape = FUNCTIONS[name].shape
    with process(2, 3):
        x = empty(*shape, device_mesh=dist.DeviceMesh("cpu", [0, 1]), placements=[Shard(0)])
        assert x.to_local().numel() == 0
        assert fill(name, x, **arguments) is x
    with process(1, 2) as mesh:
        x = distributed(torch.empty(shape, device="meta"), mesh, [Shard(0)])
        assert fill(name, x, **arguments) is x
    with process(1, 2) as mesh, FakeTensorMode():
        x = empty(*shape, device_mesh=mesh, placements=[Shard(0)])
        assert fill(name, x, **arguments) is x
