"""torch's own generators on DTensors: torch's values where they are right, and never equal parts in silence."""

from __future__ import annotations

from contextlib import nullcontext, suppress

import pytest
from cases import DRAWN, FUNCTIONS
from fake_processes import distributed, process
from torch_calls import fill

import arrayinit as ai

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    from torch.distributed.tensor import Replicate, Shard
    from torch.distributed.tensor.debug import CommDebugMode
    from torch.distributed.tensor.placement_types import _StridedShard

    from arrayinit.backends._torch.dtensor import check_native

pytestmark = pytest.mark.usefixtures("torch_library")

# torch says so of every draw into a DTensor that is not on a GPU.
quietly = pytest.mark.filterwarnings("ignore:DTensor random operators may not have complete support:UserWarning")
CUT = {
    "Shard(0)": ((2,), lambda: [Shard(0)]),
    "Shard(1)": ((2,), lambda: [Shard(1)]),
    "_StridedShard(0)": ((2,), lambda: [_StridedShard(0, split_factor=2)]),
    "Replicate() and Shard(0)": ((2, 2), lambda: [Replicate(), Shard(0)]),
}
WHOLE = {
    "Shard(0) by one process": ((1,), lambda: [Shard(0)]),
    "Replicate()": ((2,), lambda: [Replicate()]),
    "Shard(0) by one process and Replicate()": ((1, 2), lambda: [Shard(0), Replicate()]),
}
generators = pytest.mark.parametrize("given", [False, True], ids=["the global generator", "a generator"])


@generators
@pytest.mark.parametrize("mesh", CUT)
@pytest.mark.parametrize("name", DRAWN)
def test_a_tensor_that_is_cut_on_the_cpu_is_refused(name, mesh, given):
    sizes, placements = CUT[mesh]
    rng = torch.Generator() if given else None
    state = (rng or torch.default_generator).get_state()
    with process(1, *sizes) as devices:
        x = distributed(torch.full(FUNCTIONS[name].shape, 7.0), devices, placements())
        with pytest.raises(ValueError, match=r"held on cpu must be a seed, as in rng=0"):
            fill(name, x, rng=rng)
        assert (x.to_local() == 7).all()
    assert torch.equal((rng or torch.default_generator).get_state(), state)


@quietly
@generators
@pytest.mark.parametrize("mesh", WHOLE)
@pytest.mark.parametrize("name", DRAWN)
def test_a_tensor_that_each_process_has_as_a_whole_gets_the_values_of_torch(name, mesh, given, torch_library):
    def rng():
        return torch.Generator().manual_seed(3) if given else None

    sizes, placements = WHOLE[mesh]
    expected = torch.full(FUNCTIONS[name].shape, 7.0)
    with process(0, *sizes) as devices:
        x = distributed(expected, devices, placements())
        torch.manual_seed(3)
        with CommDebugMode() as communication:
            assert fill(name, x, rng=rng()) is x
        assert communication.get_total_counts() == 0
        torch.manual_seed(3)
        fill(name, expected, rng=rng())
        # For its zeros sparse_ sorts numbers of the device where a plain tensor on the CPU uses NumPy.
        assert torch.equal(x.to_local(), expected) or name == "sparse_"
        assert (x.to_local() != 7).all()


@quietly
@generators
@pytest.mark.parametrize("name", DRAWN)
def test_into_a_tensor_without_memory_nothing_is_drawn(name, given):
    with process(1, 2) as mesh:
        x = distributed(torch.empty(FUNCTIONS[name].shape, device="meta"), mesh, [Shard(0)])
        assert fill(name, x, rng=torch.Generator() if given else None) is x


def test_a_part_that_is_offloaded_from_the_gpu_is_refused(monkeypatch):
    """Torch would draw from the generator of the CPU, which it then rewinds."""
    with process(1, 2) as mesh:
        x = distributed(torch.full((6, 4), 7.0), mesh, [Shard(0)])
        monkeypatch.setattr(mesh, "_device_type", "cuda")
        assert mesh.device_type == "cuda"
        with pytest.raises(ValueError, match="held on cpu must be a seed"):
            ai.normal_(x)


@quietly
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_no_process_draws_the_whole_in_a_wider_dtype(dtype, monkeypatch):
    # As on GPUs, whose generators move on by what the other processes hold.
    monkeypatch.setattr("arrayinit.backends._torch.backend.check_native", lambda x: None)
    monkeypatch.delattr("arrayinit.backends._torch.backend.empty")
    with process(1, 2) as mesh, CommDebugMode() as communication:
        x = distributed(torch.full((6, 4), 7.0, dtype=getattr(torch, dtype)), mesh, [Shard(0)])
        ai.trunc_normal_(x, a=1.0, b=3.0)
        part = x.to_local()
    assert communication.get_total_counts() == 0
    assert part.shape == (3, 4)
    assert ((part >= 1) & (part <= 3)).all()


@pytest.mark.parametrize(("rows", "refused"), [(7, True), (8, False)])
def test_parts_of_fewer_than_four_elements_are_refused_on_gpus_too(rows, refused, monkeypatch):
    monkeypatch.setattr(torch, "get_device_module", lambda _: torch.cuda)
    with process(0, 2) as mesh:
        x = distributed(torch.empty(rows), mesh, [Shard(0)])
        with pytest.raises(ValueError, match="must be a seed") if refused else nullcontext():
            check_native(x)


@pytest.mark.gpu(reason="a mesh of GPUs")
def test_on_gpus_the_values_are_those_of_torch():
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    parts = []
    for rank in range(2):
        with process(rank, 2, device="cuda") as mesh:
            x, expected = (distributed(torch.full((64, 32), 7.0, device="cuda"), mesh, [Shard(0)]) for _ in range(2))
            torch.manual_seed(3)
            ai.normal_(x)
            torch.manual_seed(3)
            torch.nn.init.normal_(expected)
            assert torch.equal(x.to_local(), expected.to_local())
            parts.append(x.to_local())
    assert not torch.equal(*parts)
