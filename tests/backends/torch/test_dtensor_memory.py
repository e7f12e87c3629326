"""The memory of one process of 64 that hold an array of 16 GiB."""

from __future__ import annotations

from pathlib import Path

import pytest
from processes import run

pytestmark = pytest.mark.usefixtures("torch_library")

SCRIPT = """
import sys
import torch
import torch.distributed as dist
from torch.distributed.tensor import Shard, empty
from torch.testing._internal.distributed.fake_pg import FakeStore
import arrayinit as ai
from memory import mebibytes

# What the libraries themselves take: a build of torch for CUDA takes 130 MiB more than one for the CPU.
before = mebibytes("RssAnon")
dist.init_process_group("fake", store=FakeStore(), rank=13, world_size=64)
mesh = dist.init_device_mesh("cpu", (64,))
x = empty(65536, 65536, device_mesh=mesh, placements=[Shard(int(sys.argv[1]))])
ai.normal_(x, rng=0)
local = x.to_local()
assert local.numel() * local.itemsize == 1 << 28
# All of it was written.
assert abs(float(local.std()) - 1) < 0.01
# Less the files of torch that are mapped: how much of them is read ahead, 80 to 150 MiB, is up to the system, which
# keeps them once for all processes and takes them back when it needs to.
print(mebibytes("VmHWM") - mebibytes("RssFile") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize("axis", [0, 1])
def test_a_64th_of_16_gib_takes_little_more_than_its_256_mib(axis):
    assert 256 < float(run(SCRIPT, str(axis))) < 350
