"""What only torch has: Parameters, meta and fake tensors, memory formats, DTensors, subclasses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, FUNCTIONS
from libraries import Library
from torch_calls import empty, fill, filled

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")

every_function = pytest.mark.parametrize("name", FUNCTIONS)
every_random_function = pytest.mark.parametrize("name", DRAWN)


@every_function
@pytest.mark.parametrize("kind", ["leaf", "Parameter"])
def test_no_trace_is_left_in_autograd(name, kind):
    x = empty(name, requires_grad=True) if kind == "leaf" else torch.nn.Parameter(empty(name))
    before = x._version
    torch.manual_seed(3)
    assert fill(name, x) is x
    assert x.is_leaf
    assert x.requires_grad
    assert x.grad_fn is None
    assert x._version > before
    assert torch.equal(x.detach(), filled(name))


@every_function
def test_a_slice_of_a_parameter_is_filled(name):
    shape = FUNCTIONS[name].shape
    whole = torch.nn.Parameter(torch.full((2, *shape), 7.0))
    torch.manual_seed(3)
    part = whole[1]
    assert fill(name, part) is part
    assert torch.equal(whole[1].detach(), filled(name))
    assert torch.equal(whole[0].detach(), empty(name))
    assert whole.is_leaf
    assert whole.requires_grad


@every_function
def test_a_meta_tensor_is_returned_untouched(name):
    x = empty(name, device="meta")
    assert fill(name, x) is x
    assert x.is_meta


@every_random_function
@pytest.mark.parametrize("rng", [lambda: torch.Generator("cpu"), lambda: np.random.default_rng(0)])
def test_a_meta_tensor_takes_a_generator(name, rng):
    x = torch.nn.Parameter(empty(name, device="meta"))
    assert fill(name, x, rng=rng()) is x


@pytest.mark.parametrize(
    ("name", "shape", "arguments", "error"),
    [
        ("uniform_", (3,), {"a": 2.0, "b": 1.0}, ValueError),
        ("uniform_", (3,), {"a": "0"}, TypeError),
        ("normal_", (3,), {"std": -1.0}, ValueError),
        ("trunc_normal_", (3,), {"std": 0.0}, ValueError),
        ("constant_", (3,), {"val": "1"}, TypeError),
        ("eye_", (3, 4, 5), {}, ValueError),
        ("dirac_", (3, 4), {}, ValueError),
        ("dirac_", (3, 4, 5), {"groups": 2}, ValueError),
        ("xavier_uniform_", (3,), {}, ValueError),
        ("xavier_normal_", (3, 4), {"gain": -1.0}, ValueError),
        ("kaiming_uniform_", (3, 4), {"mode": "fan"}, ValueError),
        ("kaiming_normal_", (3, 4), {"nonlinearity": "swish"}, ValueError),
        ("orthogonal_", (3,), {}, ValueError),
        ("orthogonal_", (3, 4), {"gain": math.nan}, ValueError),
        ("sparse_", (3, 4), {"sparsity": 1.5}, ValueError),
        ("sparse_", (3, 4, 5), {"sparsity": 0.5}, ValueError),
        ("uniform_", (3,), {"rng": 1.5}, TypeError),
    ],
)
@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_bad_arguments_raise_before_anything_is_written(name, shape, arguments, error, device):
    x = torch.full(shape, 7.0, device=device)
    with pytest.raises(error):
        getattr(arrayinit, name)(x, **arguments)
    assert x._version == 0


@every_random_function
@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_integer_tensors_are_no_place_for_random_numbers(name, device):
    with pytest.raises(TypeError, match="int32"):
        fill(name, empty(name, device=device, dtype=torch.int32))


@every_function
@pytest.mark.parametrize("inside", [True, False], ids=["inside the mode", "outside the mode"])
def test_fake_tensors_stay_fake(name, inside):
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    mode = FakeTensorMode()
    if inside:
        with mode:
            x = torch.nn.Parameter(empty(name))
            returned = fill(name, x)
    else:
        x = mode.from_tensor(empty(name))
        assert isinstance(x, FakeTensor)
        returned = fill(name, x)
    assert returned is x
    assert x.shape == FUNCTIONS[name].shape


@every_function
def test_channels_last_is_kept_and_every_element_is_written(name):
    x = torch.full(FUNCTIONS[name].shape, math.nan)
    x = x.t().contiguous().t() if x.ndim == 2 else x.to(memory_format=torch.channels_last)
    strides = x.stride()
    assert fill(name, x) is x
    assert x.stride() == strides
    assert x.isfinite().all()


@every_function
def test_a_tensor_is_filled_on_its_own_device_whatever_the_default(name):
    expected, x = filled(name), empty(name)
    torch.manual_seed(3)
    with torch.device("meta"):
        fill(name, x)
    assert x.device.type == "cpu"
    assert torch.equal(x, expected)


@every_function
def test_a_tensor_subclass_is_filled_and_returned_as_itself(name):
    class Tagged(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            return super().__torch_function__(function, types, args, kwargs or {})

    x = empty(name).as_subclass(Tagged)
    torch.manual_seed(3)
    assert fill(name, x) is x
    assert type(x) is Tagged
    assert x.isfinite().all()
    if name != "sparse_":  # Its rows are chosen with other instructions, from other random bits.
        assert torch.equal(x.as_subclass(torch.Tensor), filled(name))


@pytest.fixture
def mesh(torch_library: Library) -> Iterator[Any]:
    """One process, as the only one of its mesh."""
    import torch.distributed as dist

    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield dist.init_device_mesh("cpu", (1,))
    dist.destroy_process_group()


# torch says so of every draw into a DTensor that is not on a GPU.
@pytest.mark.filterwarnings("ignore:DTensor random operators may not have complete support:UserWarning")
@pytest.mark.parametrize("name", ["uniform_", "normal_", "kaiming_uniform_", "zeros_", "ones_", "constant_"])
def test_dtensors_are_filled_in_place(name, mesh):
    from torch.distributed.tensor import DTensor, Shard, distribute_tensor

    x = distribute_tensor(empty(name), mesh, [Shard(0)])
    assert fill(name, x) is x
    assert type(x) is DTensor
    local = x.to_local()
    assert (local != 7).all()
    assert local.unique().numel() == (1 if name in ("zeros_", "ones_", "constant_") else local.numel())


@pytest.mark.parametrize("layout", ["OI...", "BOI"])
@pytest.mark.parametrize("sharded", [0, 1])
def test_the_patterns_are_placed_in_dtensors(sharded, layout, mesh):
    from torch.distributed.tensor import Shard, distribute_tensor

    x = distribute_tensor(torch.full((6, 4, 3), 7.0), mesh, [Shard(sharded)])
    expected = arrayinit.dirac_(torch.empty(6, 4, 3), layout=layout)
    assert torch.equal(arrayinit.dirac_(x, layout=layout).full_tensor(), expected)
    y = distribute_tensor(torch.full((6, 4), 7.0), mesh, [Shard(sharded)])
    assert torch.equal(arrayinit.eye_(y).full_tensor(), torch.eye(6, 4))


@pytest.mark.parametrize("rng", [None, np.random.default_rng(0)], ids=["None", "NumPy's"])
def test_what_does_not_fit_is_refused_on_meta_too_and_no_number_is_drawn(rng):
    before = torch.get_rng_state()
    x = torch.empty(4, 5, device="meta", dtype=torch.float16)
    with pytest.raises(ValueError, match="do not fit dtype float16"):
        arrayinit.uniform_(x, -7e4, 7e4, rng=rng)
    for name in ("uniform_", "normal_", "trunc_normal_", "kaiming_normal_", "orthogonal_"):
        assert getattr(arrayinit, name)(x, rng=rng) is x
    assert arrayinit.sparse_(x, 0.8, rng=rng) is x
    assert torch.equal(torch.get_rng_state(), before)
    assert rng is None or rng.random() == np.random.default_rng(0).random()
