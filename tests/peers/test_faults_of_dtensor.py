"""The faults of torch.nn.init on sharded tensors: each test fails there, and passes here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from faults import failing
from peers import peer

import arrayinit

pytestmark = pytest.mark.peers

Fill = Callable[[Any], Any]


@pytest.fixture
def torch() -> Any:
    return peer("torch")


@pytest.fixture
def fill(by: str, torch: Any) -> Fill:
    """Fills a tensor from seed 0."""

    def torchs(x: Any) -> Any:
        torch.manual_seed(0)
        return torch.nn.init.normal_(x)

    return {"arrayinit": lambda x: arrayinit.normal_(x, rng=0), "torch": torchs}[by]


def shards(fill: Fill, count: int, device: str = "cpu") -> list[Any]:
    """Return the parts of one filled tensor; each process of the mesh in turn is this one."""
    import torch.distributed as dist
    from torch.distributed.tensor import Shard, empty
    from torch.testing._internal.distributed.fake_pg import FakeStore

    parts = []
    for rank in range(count):
        dist.init_process_group("fake", store=FakeStore(), rank=rank, world_size=count)
        try:
            mesh = dist.init_device_mesh(device, (count,))
            parts.append(fill(empty((64, 32), device_mesh=mesh, placements=[Shard(0)])).to_local())
        finally:
            dist.destroy_process_group()
    return parts


# torch says so of every draw into a DTensor that is not on a GPU.
quietly = pytest.mark.filterwarnings("ignore:DTensor random operators may not have complete support:UserWarning")


@quietly
@failing("torch", "every process draws from the same state of its CPU generator")
def test_the_shards_of_a_cpu_mesh_get_different_values(fill, torch):
    first, second = shards(fill, 2)
    assert not torch.equal(first, second)


@quietly
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu(reason="a mesh of GPUs"))])
@failing("torch", "the generator counts the draws of a shard, and not the elements of the whole")
def test_the_values_do_not_depend_on_the_number_of_shards(fill, torch, device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    whole = torch.cat(shards(fill, 1, device))
    assert torch.equal(torch.cat(shards(fill, 4, device)), whole)
    assert torch.equal(torch.cat(shards(fill, 8, device)), whole)


@pytest.mark.gpu(reason="GPUs of two models")
@failing("torch", "past one launch wave the elements of a thread are as far apart as the GPU has threads")
def test_the_values_do_not_depend_on_the_model_of_the_gpu(fill, torch):
    models = {torch.cuda.get_device_name(i): i for i in range(torch.cuda.device_count())}
    if len(models) < 2:
        pytest.skip("there are no GPUs of two models")
    first, second, *_ = (fill(torch.empty(1 << 24, device=f"cuda:{i}")).cpu() for i in models.values())
    assert torch.equal(first, second)
