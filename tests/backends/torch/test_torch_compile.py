"""torch.compile(fullgraph=True): every function in one graph, with the distribution that it has without."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from libraries import Library

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")

SHAPE = (48, 64)
# The arguments, and the standard deviation of what they draw into SHAPE.
DRAWS: dict[str, tuple[dict[str, Any], float]] = {
    "uniform_": ({"a": -1.0}, 1 / math.sqrt(3)),
    "normal_": ({"std": 0.5}, 0.5),
    # Of the normal distribution within two standard deviations.
    "trunc_normal_": ({}, 0.87962566103423978),
    "xavier_uniform_": ({}, math.sqrt(2 / (48 + 64))),
    "xavier_normal_": ({"gain": 3.0}, 3 * math.sqrt(2 / (48 + 64))),
    "kaiming_uniform_": ({"nonlinearity": "relu"}, math.sqrt(2 / 64)),
    "kaiming_normal_": ({"mode": "fan_out", "a": 1.0}, math.sqrt(1 / 48)),
    "variance_scaling_": ({"scale": 2.0, "mode": "fan_out"}, math.sqrt(2 / 48)),
    "lecun_uniform_": ({}, math.sqrt(1 / 64)),
    "lecun_normal_": ({}, math.sqrt(1 / 64)),
    "orthogonal_": ({"gain": 2.0}, 2 / math.sqrt(64)),
}
EXACT: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "constant_": ((3, 4), {"val": 0.3}),
    "ones_": ((3, 4), {}),
    "zeros_": ((3, 4), {}),
    "eye_": ((3, 4), {}),
    "dirac_": ((4, 3, 3, 2), {"groups": 2}),
}


@pytest.fixture(autouse=True)
def _forgotten_graphs(torch_library: Library) -> Iterator[None]:
    """Each test compiles for the first time."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def compiled(name: str, arguments: dict[str, Any], backend: str = "aot_eager") -> Any:
    return torch.compile(lambda x: getattr(arrayinit, name)(x, **arguments), fullgraph=True, backend=backend)


def assert_drawn(name: str, x: Any, std: float) -> None:
    """Within six standard errors; a normal distribution's are the widest of all."""
    assert x.unique().numel() > 0.99 * x.numel()
    assert abs(x.mean()) < 6 * std / math.sqrt(x.numel())
    assert abs(x.std() / std - 1) < 6 / math.sqrt(2 * x.numel())
    if name == "orthogonal_":
        torch.testing.assert_close(x @ x.mT, 4 * torch.eye(len(x)), rtol=0, atol=1e-5)


def test_every_function_is_compiled_here():
    # And copy_ in test_copy_torch.
    names = {name for name in arrayinit.__all__ if name.endswith("_")}
    assert {*DRAWS, *EXACT, "sparse_", "delta_orthogonal_", "copy_"} == names


@pytest.mark.parametrize("name", DRAWS)
def test_compiled_draws_obey_their_distribution(name):
    arguments, std = DRAWS[name]
    function = compiled(name, arguments)
    torch.manual_seed(0)
    x = torch.full(SHAPE, 7.0)
    assert function(x) is x
    assert_drawn(name, x, std)
    again = function(x.clone())
    assert not torch.equal(again, x)
    assert_drawn(name, again, std)


@pytest.mark.parametrize("name", [*DRAWS, "sparse_"])
def test_a_compiled_function_takes_another_shape(name):
    function = compiled(name, {"sparsity": 0.5} if name == "sparse_" else DRAWS[name][0])
    # The second shape is what makes torch compile for any.
    for shape in ((12, 16), (16, 12), (20, 24)):
        x = function(torch.full(shape, 7.0))
        assert x[x != 0].unique().numel() > 0.99 * x.numel() * (0.5 if name == "sparse_" else 1)
        assert (x != 7).all()


@pytest.mark.parametrize("name", DRAWS)
def test_compiled_parameters_stay_leaves(name):
    x = torch.nn.Parameter(torch.full(SHAPE, 7.0))
    torch.manual_seed(0)
    compiled(name, DRAWS[name][0])(x)
    assert x.is_leaf
    assert x.requires_grad
    assert_drawn(name, x.detach(), DRAWS[name][1])


@pytest.mark.parametrize("sparsity", [0.25, 0.75])
def test_compiled_sparse_matrices_have_their_zeros(sparsity):
    torch.manual_seed(0)
    x = compiled("sparse_", {"sparsity": sparsity})(torch.full(SHAPE, 7.0))
    assert ((x == 0).sum(dim=0) == sparsity * SHAPE[0]).all()
    assert (x == 0).unique(dim=1).shape[1] == SHAPE[1]
    assert_drawn("sparse_", x[x != 0], 0.01)


def test_compiled_kernels_are_orthogonal_at_their_centre():
    torch.manual_seed(0)
    x = compiled("delta_orthogonal_", {"gain": 2.0})(torch.full((48, 32, 3, 2), 7.0))
    centre = x[:, :, 1, 0]
    assert_drawn("delta_orthogonal_", centre, 2 / math.sqrt(48))
    torch.testing.assert_close(centre.mT @ centre, 4 * torch.eye(32), rtol=0, atol=1e-5)
    assert x.count_nonzero() == centre.count_nonzero()


@pytest.mark.parametrize("name", EXACT)
def test_compiled_constants_are_the_eager_ones(name):
    shape, arguments = EXACT[name]
    expected = getattr(arrayinit, name)(torch.empty(shape), **arguments)
    assert torch.equal(compiled(name, arguments)(torch.full(shape, 7.0)), expected)


# torch 2.13's inductor imports what torch.jit has deprecated.
@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning:torch._inductor")
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="inductor needs a C++ compiler")
@pytest.mark.parametrize("name", ["kaiming_uniform_", "trunc_normal_", "orthogonal_"])
def test_inductor_s_draws_obey_their_distribution(name):
    arguments, std = DRAWS[name]
    torch.manual_seed(0)
    assert_drawn(name, compiled(name, arguments, "inductor")(torch.full(SHAPE, 7.0)), std)


@pytest.mark.parametrize("name", ["kaiming_uniform_", "sparse_"])
def test_the_first_call_of_all_may_be_a_compiled_one(name):
    arguments = {"sparsity": 0.5} if name == "sparse_" else DRAWS[name][0]
    program = f"""
import arrayinit, sys
assert "torch" not in sys.modules
import torch
x = torch.compile(lambda x: arrayinit.{name}(x, **{arguments}), fullgraph=True, backend="aot_eager")(torch.zeros(8, 8))
assert x.unique().numel() > 30
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("name", "keyword", "std"),
    [
        ("uniform_", "b", lambda b: b / math.sqrt(12)),
        ("normal_", "std", lambda std: std),
        ("xavier_uniform_", "gain", lambda gain: gain * math.sqrt(2 / (48 + 64))),
        ("kaiming_normal_", "a", lambda a: math.sqrt(2 / (1 + a * a) / 64)),
        ("orthogonal_", "gain", lambda gain: gain / math.sqrt(64)),
    ],
)
def test_a_compiled_function_takes_another_number(name, keyword, std):
    @torch.compile(fullgraph=True, backend="aot_eager")
    def function(x: Any, value: float) -> Any:
        return getattr(arrayinit, name)(x, **{keyword: value})

    torch.manual_seed(0)
    # The second value is what makes torch compile for any, as it does for its own initializers.
    for value in (0.5, 0.75, 2.0):
        x = function(torch.full(SHAPE, 7.0), value)
        assert abs(x.std() / std(value) - 1) < 6 / math.sqrt(2 * x.numel())
