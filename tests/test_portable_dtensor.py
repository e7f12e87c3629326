"""A seed on torch's DTensors: each process fills its part of the array that NumPy gives, and talks to no other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest
from libraries import Library
from portable_calls import DRAWS, KERNEL, MATRIX, TOLERANCE, Draw, reference, same_bits

import arrayinit as ai

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    import torch.distributed as dist
    from torch.distributed.tensor import DTensor, Partial, Placement, Replicate, Shard, distribute_tensor, empty
    from torch.distributed.tensor.debug import CommDebugMode
    from torch.testing._internal.distributed.fake_pg import FakeStore

pytestmark = pytest.mark.usefixtures("torch_library")

FILLS = {
    "uniform_(-0.3, 0.7)": DRAWS["uniform_(-0.3, 0.7)"],
    "kaiming_normal_": DRAWS["kaiming_normal_"],
    "sparse_(0.3)": DRAWS["sparse_(0.3)"],
    "fewer rows than processes": Draw("normal_", shape=(2, 3)),
}
MESHES = {
    "2, Shard(0)": ((2,), lambda: [Shard(0)]),
    "3, Shard(0)": ((3,), lambda: [Shard(0)]),
    "4, Shard(0)": ((4,), lambda: [Shard(0)]),
    "2, Shard(1)": ((2,), lambda: [Shard(1)]),
    "3, Shard(1)": ((3,), lambda: [Shard(1)]),
    "4, Shard(1)": ((4,), lambda: [Shard(1)]),
    "3, Replicate()": ((3,), lambda: [Replicate()]),
    "2 x 2, Shard(0) and Shard(1)": ((2, 2), lambda: [Shard(0), Shard(1)]),
    "2 x 2, Shard(1) and Replicate()": ((2, 2), lambda: [Shard(1), Replicate()]),
    "2 x 2, Shard(0) twice": ((2, 2), lambda: [Shard(0), Shard(0)]),
    "3 x 2, Replicate() and Shard(0)": ((3, 2), lambda: [Replicate(), Shard(0)]),
}
every_mesh = pytest.mark.parametrize("mesh", MESHES)


@contextmanager
def process(rank: int, *sizes: int) -> Iterator[Any]:
    """Be one process of a mesh; the others do not exist."""
    dist.init_process_group("fake", store=FakeStore(), rank=rank, world_size=int(np.prod(sizes)))
    try:
        yield dist.init_device_mesh("cpu", sizes)
    finally:
        dist.destroy_process_group()


def processes(mesh: str) -> Iterator[tuple[Any, list[Placement]]]:
    """Be each process of a mesh in turn; yield the mesh and the placements."""
    sizes, placements = MESHES[mesh]
    for rank in range(int(np.prod(sizes))):
        with process(rank, *sizes) as devices:
            yield devices, placements()


def tensor(values: np.ndarray, dtype: str) -> Any:
    return torch.from_numpy(np.ascontiguousarray(values)).to(getattr(torch, dtype))


def same_part(x: Any, whole: Any, library: Library) -> None:
    """Raise AssertionError unless this process holds the part of ``whole`` that torch would give it."""
    expected = distribute_tensor(whole, x.device_mesh, x.placements, src_data_rank=None).to_local()
    dtype = str(whole.dtype).removeprefix("torch.")
    same_bits(library.to_numpy(x.to_local()), library.to_numpy(expected), dtype)


@every_mesh
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", FILLS)
def test_each_process_holds_its_part_of_the_array_of_numpy(name, dtype, mesh, torch_library):
    draw = FILLS[name]
    whole = tensor(reference(draw, dtype), dtype)
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
    for devices, placements in processes(mesh):
        x = empty(6, 5, 3, 7, device_mesh=devices, placements=placements)
        same_part(ai.xavier_normal_(x, layout="...IO", rng=3), expected, torch_library)


@pytest.mark.parametrize("dtype", ["float16", "float64", "complex64"])
def test_other_dtypes_and_strides(dtype, torch_library):
    draw = DRAWS["normal_(0.5, 0.3)"]
    whole = tensor(reference(draw, dtype), dtype)
    for devices, placements in processes("3, Shard(1)"):
        local = empty(*KERNEL, dtype=whole.dtype, device_mesh=devices, placements=placements).to_local()
        turned = local.new_empty(local.shape[::-1]).permute(3, 2, 1, 0)
        x = DTensor.from_local(turned, devices, placements, shape=whole.shape, stride=whole.stride())
        same_part(draw.fill(x), whole, torch_library)


def test_a_process_outside_of_the_mesh_has_nothing_to_fill():
    with process(2, 3):
        mesh = dist.DeviceMesh("cpu", [0, 1])
        x = empty(*MATRIX, device_mesh=mesh, placements=[Shard(0)])
        assert x.to_local().numel() == 0
        assert DRAWS["sparse_(0.3)"].fill(x) is x


def test_a_sharded_tensor_without_memory_stays_so():
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    with process(1, 2) as mesh, FakeTensorMode():
        x = empty(*MATRIX, device_mesh=mesh, placements=[Shard(0)])
        assert ai.normal_(x, rng=0) is x
        assert isinstance(x.to_local(), FakeTensor)
    with process(1, 2) as mesh:
        x = distribute_tensor(torch.empty(MATRIX, device="meta"), mesh, [Shard(0)], src_data_rank=None)
        assert ai.normal_(x, rng=0) is x
        assert x.is_meta


def refused(x: Any, words: str) -> None:
    """Raise AssertionError unless each draw is refused, and ``x`` left alone."""
    before = x.to_local().clone()
    for fill in (ai.normal_, lambda x, rng: ai.sparse_(x, 0.5, rng=rng)):
        with pytest.raises(ValueError, match=words):
            fill(x, rng=0)
    assert torch.equal(x.to_local(), before)


def test_what_is_yet_to_be_summed_is_refused():
    with process(0, 2) as mesh:
        x = DTensor.from_local(torch.full((6, 4), 7.0), mesh, [Partial()])
        refused(x, "seed fills DTensors of Shard and Replicate only.*x.redistribute")


def test_what_is_cut_in_another_order_is_refused():
    from torch.distributed.tensor.placement_types import _StridedShard

    with process(1, 2, 2) as mesh:
        placements = [_StridedShard(0, split_factor=2), Shard(0)]
        x = DTensor.from_local(torch.full((2, 4), 7.0), mesh, placements, shape=(8, 4), stride=(4, 1))
        refused(x, "seed fills DTensors of Shard and Replicate only.*StridedShard|_StridedShard.*Replicate only")


def test_what_is_not_cut_as_torch_cuts_is_refused():
    with process(0, 2) as mesh:
        x = DTensor.from_local(torch.full((3, 4), 7.0), mesh, [Shard(0)], shape=(4, 4), stride=(4, 1))
        refused(x, r"holds \(3, 4\): make x with distribute_tensor")


# Each process fills the parameter, says how often it communicated, and saves what the parameter is as a whole.
SCRIPT = """
import sys
import numpy as np
import torch
import torch.distributed as dist
from torch.distributed.tensor import Replicate, Shard, empty
from torch.distributed.tensor.debug import CommDebugMode
import arrayinit as ai

rank, store, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
dist.init_process_group("gloo", store=dist.FileStore(store, 2), rank=rank, world_size=2)
mesh = dist.init_device_mesh("cpu", (2,))
fills = {
    "normal": lambda x: ai.normal_(x, rng=5),
    "sparse": lambda x: ai.sparse_(x, 0.3, rng=5),
    "orthogonal": lambda x: ai.orthogonal_(x, rng=5),
}
whole, calls = {}, {}
for name, fill in fills.items():
    for placement in (Shard(0), Shard(1), Replicate()):
        x = torch.nn.Parameter(empty(9, 5, device_mesh=mesh, placements=[placement]))
        with CommDebugMode() as communication:
            assert fill(x) is x
        assert x.requires_grad and x.is_leaf and x.grad_fn is None
        key = f"{name} {placement}"
        whole[key] = x.full_tensor().detach().numpy()
        calls[key] = communication.get_total_counts()
np.savez(f"{out}/{rank}.npz", **whole)
assert not any(count for key, count in calls.items() if not key.startswith("orthogonal")), calls
dist.destroy_process_group()
"""


def test_two_processes_make_the_arrays_of_one(tmp_path):
    command = [sys.executable, "-c", SCRIPT]
    arguments = [str(tmp_path / "store"), str(tmp_path)]
    running = [subprocess.Popen([*command, str(rank), *arguments], stderr=subprocess.PIPE) for rank in range(2)]
    for child in running:
        _, error = child.communicate(timeout=120)
        assert child.returncode == 0, error.decode()
    x = np.empty((9, 5), np.float32)
    expected = {
        "normal": ai.normal_(x.copy(), rng=5),
        "sparse": ai.sparse_(x.copy(), 0.3, rng=5),
        "orthogonal": ai.orthogonal_(x.copy(), rng=5),
    }
    for rank in range(2):
        with np.load(tmp_path / f"{rank}.npz") as filled:
            assert len(filled) == 9
            for key, values in filled.items():
                kind = key.partition(" ")[0]
                tolerance = TOLERANCE["float32"] if kind == "orthogonal" else 0
                np.testing.assert_allclose(values, expected[kind], rtol=0, atol=tolerance)
