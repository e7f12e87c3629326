"""torch.vmap, torch.func and functional_call, around a fill and inside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, FUNCTIONS, KERNEL, MATRIX, complete
from intervals import interval
from libraries import no_such_case
from torch_calls import assert_same, empty, fill

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")

every_function = pytest.mark.parametrize("name", FUNCTIONS)
every_random_function = pytest.mark.parametrize("name", DRAWN)

SLICES = 3


def stack(name: str, **options: Any) -> Any:
    return torch.stack([empty(name, **options)] * SLICES)


def assert_structured(name: str, x: Any) -> None:
    """One weight has what its function promises of it."""
    case = DRAWN[name]
    low, high = interval(name, case.shape, complete(case))
    assert low <= x.min() < x.max() <= high
    if name == "sparse_":
        assert ((x == 0).sum(dim=0) == math.ceil(0.3 * len(x))).all()
        assert (x == 0).unique(dim=1).shape[1] > 1
    if name == "orthogonal_":
        torch.testing.assert_close(x.flatten(1) @ x.flatten(1).mT, 4 * torch.eye(len(x)), rtol=0, atol=1e-5)
    if name == "delta_orthogonal_":
        centre = x[:, :, x.shape[2] // 2, x.shape[3] // 2]
        torch.testing.assert_close(centre.mT @ centre, 4 * torch.eye(x.shape[1]), rtol=0, atol=1e-5)
        assert x.count_nonzero() == centre.count_nonzero()
    drawn = x[x != 0]
    assert drawn.unique().numel() > 0.99 * drawn.numel()


@every_random_function
def test_vmap_draws_a_weight_of_its_own_in_each_slice(name: str) -> None:
    torch.manual_seed(0)
    x = stack(name)
    assert torch.vmap(lambda x: fill(name, x), randomness="different")(x) is x
    for weight in x:
        assert_structured(name, weight)
    drawn = x[x != 0]
    assert drawn.unique().numel() > 0.99 * drawn.numel()
    if name == "sparse_":
        assert (x == 0).unique(dim=0).shape[0] == SLICES


@pytest.mark.parametrize("sparsity", [0.0, 0.25, 0.75, 1.0])
def test_vmap_chooses_the_zeros_of_each_slice(sparsity: float) -> None:
    x = torch.vmap(lambda x: arrayinit.sparse_(x, sparsity), randomness="different")(torch.full((SLICES, 12, 10), 7.0))
    assert ((x == 0).sum(dim=1) == 12 * sparsity).all()
    assert (x == 0).unique(dim=0).shape[0] == (SLICES if 0 < sparsity < 1 else 1)


@every_random_function
def test_vmap_draws_the_same_in_each_slice_if_asked_to(name: str) -> None:
    x = torch.vmap(lambda x: fill(name, x), randomness="same")(stack(name))
    assert_structured(name, x[0])
    for weight in x[1:]:
        assert_same(name, weight, x[0])


@every_random_function
def test_vmap_refuses_global_randomness_unless_it_is_told_which(name: str) -> None:
    with pytest.raises(RuntimeError, match="randomness"):
        torch.vmap(lambda x: fill(name, x))(stack(name))


@pytest.mark.parametrize("name", ["kaiming_uniform_", "trunc_normal_", "orthogonal_", "sparse_"])
def test_vmap_takes_a_generator_of_torch(name: str) -> None:
    def draw(seed: int) -> Any:
        generator = torch.Generator().manual_seed(seed)
        return torch.vmap(lambda x: fill(name, x, rng=generator), randomness="different")(stack(name))

    assert torch.equal(draw(0), draw(0))
    assert not torch.equal(draw(0), draw(1))


# Without torch's generator nothing is random to torch.vmap, so its default is not in the way.
@pytest.mark.parametrize("rng", [lambda: 5, lambda: np.random.default_rng(5)], ids=["a seed", "NumPy's"])
@pytest.mark.parametrize(("dtype", "axis"), [("float32", 0), ("bfloat16", -1), ("float64", 1), ("complex64", 1)])
@every_random_function
def test_vmap_fills_each_slice_with_the_bits_of_one_weight(
    name: str, dtype: str, axis: int, rng: Callable[[], Any]
) -> None:
    if name == "trunc_normal_" and dtype == "complex64":
        no_such_case("no interval truncates complex numbers")
    options = {"dtype": getattr(torch, dtype)}
    x = stack(name, **options).movedim(0, axis).contiguous()
    torch.vmap(lambda x: fill(name, x, rng=rng()), in_dims=axis)(x)
    expected = fill(name, empty(name, **options), rng=rng())
    for weight in x.movedim(axis, 0):
        assert_same(name, weight, expected)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - set(DRAWN)))
def test_vmap_fills_each_slice_with_what_is_not_random(name: str) -> None:
    x = torch.vmap(lambda x: fill(name, x))(stack(name))
    assert torch.equal(x, torch.stack([fill(name, empty(name))] * SLICES))


@every_random_function
def test_vmap_of_vmap_fills_with_a_seed(name: str) -> None:
    x = torch.stack([stack(name)] * 2)
    torch.vmap(torch.vmap(lambda x: fill(name, x, rng=5)), in_dims=0)(x)
    expected = fill(name, empty(name), rng=5)
    for weight in x.flatten(0, 1):
        assert_same(name, weight, expected)


def test_all_functions_are_mapped_in_one_graph() -> None:
    torch.compiler.reset()

    @torch.compile(fullgraph=True, backend="aot_eager")
    def fill_all(stacks: dict[str, Any]) -> Any:
        for name, x in stacks.items():
            torch.vmap(lambda x, name=name: fill(name, x, rng=5))(x)
            torch.vmap(lambda x, name=name: fill(name, x), randomness="different")(others[name])

    stacks, others = ({name: stack(name) for name in DRAWN} for _ in range(2))
    fill_all(stacks)
    for name in DRAWN:
        expected = fill(name, empty(name), rng=5)
        for weight, other in zip(stacks[name], others[name], strict=True):
            assert_same(name, weight, expected)
            assert_structured(name, other)
    torch.compiler.reset()


def ways(name: str) -> list[dict[str, Any]]:
    return [{}, {"rng": 5}] if name in DRAWN else [{}]


def past(scale: Any, weight: Any) -> Any:
    return (scale * weight).sum(), weight


@every_function
def test_gradients_flow_past_a_fill(name: str) -> None:
    for rng in ways(name):
        gradient, drawn = torch.func.grad(
            lambda scale, rng=rng: past(scale, fill(name, empty(name), **rng)), has_aux=True
        )(torch.tensor(2.0))
        torch.testing.assert_close(gradient, drawn.sum())
        if rng:
            assert_same(name, drawn, fill(name, empty(name), **rng))


@every_function
def test_a_filled_tensor_is_what_the_gradient_is_taken_at(name: str) -> None:
    # As with torch.nn.init: the fill leaves no trace, so that x is the weight that it was filled with.
    for rng in ways(name):
        x = empty(name)
        gradient = torch.func.grad(lambda x, rng=rng: (fill(name, x, **rng) ** 2).sum())(x)
        assert torch.equal(gradient, 2 * x)
        if rng:
            assert_same(name, x, fill(name, empty(name), **rng))


@every_random_function
def test_gradients_and_vmap_go_together(name: str) -> None:
    def loss(scale: Any, x: Any) -> Any:
        return (scale * fill(name, x, rng=5)).sum()

    scales, expected = torch.tensor([1.0, 2.0, 3.0]), fill(name, empty(name), rng=5).sum()
    gradients = torch.vmap(torch.func.grad(loss))(scales, stack(name))
    torch.testing.assert_close(gradients, expected.expand(SLICES))
    gradients = torch.func.grad(lambda scales: torch.vmap(loss)(scales, stack(name)).sum())(scales)
    torch.testing.assert_close(gradients, expected.expand(SLICES))


def layer(name: str) -> Any:
    """A layer whose weight the function can fill."""
    if FUNCTIONS[name].shape == MATRIX:
        return torch.nn.Linear(*MATRIX[::-1], bias=False)
    return torch.nn.Conv2d(KERNEL[1], KERNEL[0], KERNEL[2:], bias=False)


def inputs(name: str, *batch: int) -> Any:
    shape = (7, MATRIX[1]) if FUNCTIONS[name].shape == MATRIX else (2, KERNEL[1], 8, 9)
    return torch.randn((*batch, *shape), generator=torch.Generator().manual_seed(1))


def called(module: Any, weight: Any, x: Any) -> Any:
    return torch.func.functional_call(module, {"weight": weight}, (x,))


@every_function
def test_a_layer_is_called_with_a_filled_parameter(name: str) -> None:
    module, x = layer(name), inputs(name)
    before = module.weight.detach().clone()
    for rng in ways(name):
        weight = fill(name, torch.nn.Parameter(empty(name)), **rng)
        twin = layer(name)
        twin.load_state_dict({"weight": weight})
        for function in (twin, lambda x, weight=weight: called(module, weight, x)):
            function(x).square().sum().backward()
        torch.testing.assert_close(called(module, weight, x), twin(x))
        assert twin.weight.grad.any() or name == "zeros_"
        torch.testing.assert_close(weight.grad, twin.weight.grad)
        gradient = torch.func.grad(lambda weight: called(module, weight, x).square().sum())(weight)
        torch.testing.assert_close(gradient, twin.weight.grad)
        # Filled while the gradient is taken.
        if rng:
            gradient = torch.func.grad(lambda w, rng=rng: called(module, fill(name, w, **rng), x).square().sum())
            torch.testing.assert_close(gradient(empty(name)), twin.weight.grad)
    assert module.weight.grad is None
    assert torch.equal(module.weight, before)


@every_function
def test_an_ensemble_is_filled_and_called_under_vmap(name: str) -> None:
    modules, x = [layer(name) for _ in range(SLICES)], inputs(name, SLICES)
    for rng in ways(name):
        stacked, _ = torch.func.stack_module_state(modules)
        weights = stacked["weight"]
        ours = torch.vmap(lambda w, x, rng=rng: called(modules[0], fill(name, w, **rng), x), randomness="different")(
            weights, x
        )
        assert weights.is_leaf
        assert weights.requires_grad
        assert (weights[:, 0, 0] != 7).all()
        if rng:
            assert_same(name, weights[1].detach(), fill(name, empty(name), **rng))
        for weight, given, output in zip(weights, x, ours, strict=True):
            torch.testing.assert_close(called(modules[0], weight, given), output)
