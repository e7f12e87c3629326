"""A seed on torch's DTensors: each process fills its part of the array that NumPy gives, and talks to no other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from cases import DRAWS, LARGE_MATRIX
from fake_processes import distributed, every_mesh, process, processes, same_part, tensor
from portable_calls import reference

import arrayinit as ai

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    import torch.distributed as dist
    from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, empty
    from torch.distributed.tensor.debug import CommDebugMode

pytestmark = pytest.mark.usefixtures("torch_library")

FILLS = {
    "kaiming_normal_": DRAWS["kaiming_normal_"],
    "sparse_": DRAWS["sparse_"],
    "fewer rows than processes": DRAWS["normal_"].at((2, 3)),
}


@every_mesh
@pytest.mark.parametrize("name", FILLS)
def test_each_process_holds_its_part_of_the_array_of_numpy(name, mesh, torch_library):
    draw = FILLS[name]
    whole = tensor(reference(draw, "float32"), "float32")
    for devices, placements in processes(mesh):
        x = empty(*draw.shape, dtype=whole.dtype, device_mesh=devices, placements=placements)
        before = x._version
        with CommDebugMode() as communication:
            assert draw.fill(x) is x
        assert communication.get_total_counts() == 0
        assert x._version > before
        same_part(x, whole, torch_library)


@every_mesh
def test_a_layout_permutes_the_array_and_not_the_parts(mesh, torch_library):
    expected = tensor(ai.xavier_normal_(np.empty((6, 5, 3, 7), np.float32), layout="...IO", rng=3), "float32")
    plain = tensor(ai.normal_(np.empty((6, 5, 3, 7), np.float32), 0.5, layout="...IO", rng=3), "float32")
    for devices, placements in processes(mesh):
        x = empty(6, 5, 3, 7, device_mesh=devices, placements=placements)
        same_part(ai.xavier_normal_(x, layout="...IO", rng=3), expected, torch_library)
        same_part(ai.normal_(x, 0.5, layout="...IO", rng=3), plain, torch_library)


def test_a_process_outside_of_the_mesh_has_nothing_to_fill():
    with process(2, 3):
        mesh = dist.DeviceMesh("cpu", [0, 1])
        x = empty(*LARGE_MATRIX, device_mesh=mesh, placements=[Shard(0)])
        assert x.to_local().numel() == 0
        assert DRAWS["sparse_"].fill(x) is x


def test_a_sharded_tensor_without_memory_stays_so():
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    with process(1, 2) as mesh, FakeTensorMode():
        x = empty(*LARGE_MATRIX, device_mesh=mesh, placements=[Shard(0)])
        assert ai.normal_(x, rng=0) is x
        assert isinstance(x.to_local(), FakeTensor)
    with process(1, 2) as mesh:
        x = distributed(torch.empty(LARGE_MATRIX, device="meta"), mesh, [Shard(0)])
        assert ai.normal_(x, rng=0) is x
        assert x.is_meta


@pytest.mark.parametrize("shape", [(), (7,), (1,), (0, 3)])
def test_arrays_of_few_axes_and_elements(shape, torch_library):
    whole = ai.normal_(torch.empty(shape), rng=5)
    for rank in range(3):
        with process(rank, 3) as mesh:
            for placement in (Replicate(), *[Shard(axis) for axis in range(len(shape))]):
                x = ai.normal_(distributed(torch.empty(shape), mesh, [placement]), rng=5)
                same_part(x, whole, torch_library)


def test_parameters_are_filled_from_many_threads(torch_library):
    with process(1, 2) as mesh:
        whole = ai.normal_(torch.empty(LARGE_MATRIX), rng=5)
        parameters = [torch.nn.Parameter(distributed(torch.empty(LARGE_MATRIX), mesh, [Shard(0)])) for _ in range(8)]
        with ThreadPoolExecutor(4) as threads:
            filled = list(threads.map(lambda x: ai.normal_(x, rng=5), parameters))
        for x, parameter in zip(filled, parameters, strict=True):
            assert x is parameter
            assert x.requires_grad
            assert x.is_leaf
            same_part(x.detach(), whole, torch_library)


@pytest.mark.parametrize("name", ["normal_", "zeros_", "eye_", "copy_", "orthogonal_", "sparse_"])
@pytest.mark.parametrize("generator", [None, np.random.default_rng], ids=["seed", "NumPy"])
def test_what_is_yet_to_be_summed_is_refused(name, generator):
    arguments = {"copy_": [torch.ones(6, 4)], "sparse_": [0.5]}.get(name, [])
    drawn = {"rng": generator(0) if generator else 0} if name in ("normal_", "orthogonal_", "sparse_") else {}
    with process(0, 2) as mesh:
        x = DTensor.from_local(torch.full((6, 4), 7.0), mesh, [Partial()])
        with pytest.raises(ValueError, match=r"Partial placement has no elements yet.*x\.redistribute"):
            getattr(ai, name)(x, *arguments, **drawn)
        assert (x.to_local() == 7).all()


@pytest.mark.parametrize("mesh", ["3, Shard(1)", "2 x 2, Shard(0) and Shard(1)", "3, Replicate()"])
def test_compiled_fills_have_the_same_bits(mesh, torch_library):
    draw = FILLS["kaiming_normal_"]
    whole = tensor(reference(draw, "float32"), "float32")
    for devices, placements in processes(mesh):
        torch.compiler.reset()
        x = distributed(torch.full(draw.shape, 7.0), devices, placements)
        torch.compile(draw.fill, fullgraph=True, backend="aot_eager")(x)
        same_part(x, whole, torch_library)


def test_what_is_not_cut_as_torch_cuts_is_refused():
    with process(0, 2) as mesh:
        x = DTensor.from_local(torch.full((3, 4), 7.0), mesh, [Shard(0)], shape=(4, 4), stride=(4, 1))
        for fill in (ai.normal_, lambda x, rng: ai.sparse_(x, 0.5, rng=rng)):
            with pytest.raises(ValueError, match=r"has a shard of \(3, 4\): make x with distribute_tensor"):
                fill(x, rng=0)
        assert (x.to_local() == 7).all()
