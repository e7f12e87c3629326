"""The short way to plain memory is for plain memory: what torch hides behind a tensor of the same type goes another."""

import pytest
import torch
from libraries import no_such_case

import arrayinit as ai

pytestmark = pytest.mark.usefixtures("torch_library")

SHAPE = (4, 6)
RNGS = {"seed": lambda: 3, "generator": lambda: torch.Generator().manual_seed(3)}


@pytest.fixture(params=RNGS)
def rng(request):
    return RNGS[request.param]


@pytest.fixture
def expected(rng):
    """What a plain tensor gets, which also lets the arguments be kept for tensors that are alike."""
    return ai.normal_(torch.empty(SHAPE), std=2.0, rng=rng())


def test_under_vmap(rng, expected):
    x = torch.empty(3, *SHAPE)
    filled = torch.vmap(lambda row: ai.normal_(row, std=2.0, rng=rng()), randomness="same")(x)
    assert all(torch.equal(row, expected) for row in filled)


def test_under_grad(rng, expected):
    total = torch.func.grad(lambda x: (ai.normal_(torch.empty(SHAPE), std=2.0, rng=rng()) * x).sum())(torch.ones(SHAPE))
    assert torch.equal(total, expected)
    with torch.no_grad():
        wrapped = torch.func.vjp(lambda x: ai.normal_(x.detach().clone(), std=2.0, rng=rng()), torch.ones(SHAPE))[0]
    assert torch.equal(wrapped, expected)


def test_in_a_layout_without_addresses(rng, expected):
    with pytest.raises(TypeError, match=r"layout torch\._mkldnn"):
        ai.normal_(torch.ones(SHAPE).to_mkldnn(), std=2.0, rng=rng())


def test_a_mode_sees_the_write(rng, expected):
    class Counting(torch.utils._python_dispatch.TorchDispatchMode):
        seen = 0

        def __torch_dispatch__(self, function, types, arguments=(), options=None):
            self.seen += 1
            return function(*arguments, **(options or {}))

    x = torch.empty(SHAPE)
    with Counting() as mode:
        ai.normal_(x, std=2.0, rng=rng())
    assert mode.seen
    assert torch.equal(x, expected)


def test_inference_tensors_are_filled_in_inference_only(rng, expected):
    with torch.inference_mode():
        x = torch.empty(SHAPE)
        assert torch.equal(ai.normal_(x, std=2.0, rng=rng()), expected)
    with pytest.raises(RuntimeError, match="inference"):
        ai.normal_(x, std=2.0, rng=rng())


def test_freed_memory_is_refused(rng, expected):
    x = torch.empty(SHAPE)
    x.untyped_storage().resize_(8)
    with pytest.raises(RuntimeError, match="a storage of 8 bytes"):
        ai.normal_(x, std=2.0, rng=rng())


def test_a_part_of_a_storage_is_filled_and_nothing_else(rng, expected):
    whole = torch.full((3, *SHAPE), 7.0)
    before = whole._version
    assert torch.equal(ai.normal_(whole[1], std=2.0, rng=rng()), expected)
    assert bool((whole[::2] == 7.0).all())
    assert whole._version == before + 1


def test_a_parameter_keeps_its_gradient_and_no_graph(rng, expected):
    p = torch.nn.Parameter(torch.empty(SHAPE))
    assert ai.normal_(p, std=2.0, rng=rng()) is p
    assert torch.equal(p, expected)
    assert p.is_leaf
    assert p.requires_grad
    assert p._version == 1


def test_a_computed_tensor_gets_a_warning(rng, expected):
    x = torch.nn.Parameter(torch.ones(SHAPE)) * 2
    with pytest.warns(UserWarning, match="computed from other tensors"):
        ai.normal_(x, std=2.0, rng=rng())


def test_a_negated_view_gets_the_values(rng, expected):
    x = torch.zeros(SHAPE, dtype=torch.complex64).conj().imag
    assert x.is_neg()
    assert torch.equal(ai.normal_(x, std=2.0, rng=rng()), expected)


def test_under_compile(rng, expected):
    if rng is RNGS["generator"]:
        no_such_case("torch.compile does not take a torch.Generator")
    compiled = torch.compile(lambda x: ai.normal_(x, std=2.0, rng=3), backend="eager", fullgraph=True)
    assert torch.equal(compiled(torch.empty(SHAPE)), expected)
