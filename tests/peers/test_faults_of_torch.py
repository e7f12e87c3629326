"""The faults of torch.nn.init: each test fails there, and passes here."""

from __future__ import annotations

import math
from typing import Any

import pytest
from faults import failing
from peers import peer

import arrayinit

pytestmark = pytest.mark.peers


@pytest.fixture
def torch() -> Any:
    module = peer("torch")
    module.manual_seed(0)
    return module


@pytest.fixture
def init(by: str, torch: Any) -> Any:
    """Where the functions come from; they have the same names."""
    return {"arrayinit": arrayinit, "torch": torch.nn.init}[by]


def numbers_drawn(init, torch, **bounds):
    """Return how many numbers a truncated normal of 64 x 64 elements takes."""
    from torch_work import Work

    with Work() as work:
        init.trunc_normal_(torch.empty(64, 64), **bounds)
    return work.drawn


@failing("torch", "the whole tensor is drawn again until no element is out of bounds")
def test_trunc_normal_draws_one_number_an_element(init, torch):
    assert numbers_drawn(init, torch) == 64 * 64


@failing("torch", "rejection in a loop, each time over the whole tensor")
@pytest.mark.filterwarnings("ignore:mean is more than 2 std from:UserWarning")
def test_far_bounds_cost_trunc_normal_no_more_draws(init, torch):
    assert numbers_drawn(init, torch, a=2.0, b=3.0) == 64 * 64


@failing("torch", "proposals all over the bounds, of which next to none is accepted")
@pytest.mark.filterwarnings("ignore:mean is more than 2 std from:UserWarning")
def test_wide_bounds_cost_trunc_normal_no_more_draws(init, torch):
    assert numbers_drawn(init, torch, std=0.2, a=0.6, b=100.0) == 64 * 64


@failing("torch", "the loop asks whether any element is out of bounds: torch._dynamo.exc.Unsupported", RuntimeError)
def test_trunc_normal_compiles_into_one_graph(init, torch):
    compiled = torch.compile(lambda x: init.trunc_normal_(x, a=-1.0), fullgraph=True, backend="eager")
    x = compiled(torch.full((100,), math.nan))
    assert x.min() >= -1
    assert x.max() <= 2


@failing("torch", "draws the same numbers again and again, for ever")
def test_trunc_normal_ends_on_an_offloaded_shard(init, torch):
    from torch_work import OffloadedWork

    x = torch.full((1000,), math.nan)
    with OffloadedWork():
        init.trunc_normal_(x)
    assert x.abs().max() <= 2


@failing("torch", "randperm is given no generator")
def test_sparse_draws_its_zeros_from_its_generator_too(by, init, torch):
    keyword = {"arrayinit": "rng", "torch": "generator"}[by]
    first, second = (
        init.sparse_(torch.empty(20, 10), 0.5, **{keyword: torch.Generator().manual_seed(0)}) for _ in range(2)
    )
    assert torch.equal(first, second)


@failing("torch", "one randperm and one assignment a column")
def test_sparse_takes_no_more_operations_for_more_columns(init, torch):
    from torch_work import Work

    narrow, wide = Work(), Work()
    with narrow:
        init.sparse_(torch.empty(20, 4), 0.5)
    with wide:
        init.sparse_(torch.empty(20, 40), 0.5)
    assert wide.operations == narrow.operations


@failing("torch", "one assignment a channel")
def test_dirac_takes_no_more_operations_for_more_channels(init, torch):
    from torch_work import Work

    few, many = Work(), Work()
    with few:
        init.dirac_(torch.empty(4, 4, 3, 3))
    with many:
        init.dirac_(torch.empty(40, 40, 3, 3))
    assert many.operations == few.operations


def check_orthonormal_rows(q: Any, epsilon: float) -> None:
    """Raise AssertionError unless q q^H is the identity; each of its elements is a sum of rounded products."""
    import torch

    rows = q.flatten(1).to(torch.complex128)
    error = (rows @ rows.mH - torch.eye(len(rows))).abs().max()
    assert error <= 2 * epsilon * math.sqrt(rows.shape[1])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@failing("torch", "its QR decomposition has no 16-bit types", NotImplementedError)
def test_orthogonal_takes_16_bit_types(init, torch, dtype):
    q = init.orthogonal_(torch.empty(6, 10, dtype=getattr(torch, dtype)))
    check_orthonormal_rows(q, torch.finfo(q.dtype).eps)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@failing("torch", "torch.sign takes no complex numbers", NotImplementedError)
def test_orthogonal_takes_complex_tensors(init, torch, dtype):
    q = init.orthogonal_(torch.empty(6, 10, dtype=getattr(torch, dtype)))
    assert q.imag.any()
    check_orthonormal_rows(q, torch.finfo(q.dtype).eps)


@failing("torch", "a channels_last tensor has no view as a matrix", RuntimeError)
def test_orthogonal_takes_channels_last(init, torch):
    q = init.orthogonal_(torch.empty(6, 5, 3, 4).to(memory_format=torch.channels_last))
    assert q.is_contiguous(memory_format=torch.channels_last)
    check_orthonormal_rows(q, torch.finfo(q.dtype).eps)


@pytest.fixture
def uniforms(by: str, init: Any, torch: Any) -> Any:
    """2^24 draws from U(-1, 1) in bfloat16; of a seed here, since torch's generator gives torch's own numbers."""
    x = torch.empty(1 << 24, dtype=torch.bfloat16)
    return init.uniform_(x, -1.0, 1.0, **{"arrayinit": {"rng": 0}, "torch": {}}[by])


@failing("torch", "what would be rounded to the upper bound becomes the lower")
def test_the_mean_of_bfloat16_uniforms_is_that_of_the_interval(uniforms, torch):
    standard_error = math.sqrt(1 / 3 / uniforms.numel())
    assert abs(uniforms.mean(dtype=torch.float64)) < 5 * standard_error


@failing("torch", "what would be rounded to the upper bound becomes the lower")
def test_bfloat16_uniforms_reach_their_upper_bound(uniforms):
    assert uniforms.max() == 1
