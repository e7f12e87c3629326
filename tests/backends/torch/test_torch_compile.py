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
from cases import DRAWN, FIXED, FUNCTIONS, OWN_WAYS, SCALED, complete
from intervals import scaled_std
from libraries import Library
from scipy import stats

import arrayinit
from arrayinit.backends import registry

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")

SHAPE = (48, 64)
# The mean and the standard deviation of what each function draws into SHAPE.
MOMENTS: dict[str, tuple[float, float]] = {
    "uniform_": (0.2, 1 / math.sqrt(12)),
    "normal_": (0.5, 0.3),
    "trunc_normal_": (float((truncated := stats.truncnorm(-0.75, 1.25, 0.5, 2.0)).mean()), float(truncated.std())),
    "orthogonal_": (0.0, 2 / math.sqrt(64)),
    **{name: (0.0, scaled_std(name, SHAPE, complete(DRAWN[name]))) for name in SCALED},
}


@pytest.fixture(autouse=True)
def _forgotten_graphs(torch_library: Library) -> Iterator[None]:
    """Each test compiles for the first time."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def compiled(name: str, backend: str = "aot_eager", **arguments: Any) -> Any:
    call = {**FUNCTIONS[name].arguments, **arguments}
    return torch.compile(lambda x: getattr(arrayinit, name)(x, **call), fullgraph=True, backend=backend)


def assert_drawn(name: str, x: Any, mean: float, std: float) -> None:
    """Within six standard errors; a normal distribution's are the widest of all."""
    assert x.unique().numel() > 0.99 * x.numel()
    assert abs(x.mean() - mean) < 6 * std / math.sqrt(x.numel())
    assert abs(x.std() / std - 1) < 6 / math.sqrt(2 * x.numel())
    if name == "orthogonal_":
        torch.testing.assert_close(x @ x.mT, 4 * torch.eye(len(x)), rtol=0, atol=1e-5)


def test_every_function_is_compiled_here():
    names = {name for name in arrayinit.__all__ if name.endswith("_")}
    assert {*MOMENTS, *FIXED, "sparse_", "delta_orthogonal_"} == names


@pytest.mark.parametrize("name", MOMENTS)
def test_compiled_draws_obey_their_distribution(name):
    function = compiled(name)
    torch.manual_seed(0)
    x = torch.full(SHAPE, 7.0)
    assert function(x) is x
    assert_drawn(name, x, *MOMENTS[name])
    again = function(x.clone())
    assert not torch.equal(again, x)
    assert_drawn(name, again, *MOMENTS[name])


@pytest.mark.parametrize("name", [name for name in OWN_WAYS if name != "delta_orthogonal_"])
def test_a_compiled_function_takes_another_shape(name):
    function = compiled(name)
    # The second shape is what makes torch compile for any.
    for shape in ((12, 16), (16, 12), (20, 24)):
        x = function(torch.full(shape, 7.0))
        assert x[x != 0].unique().numel() > 0.99 * x.numel() * (0.6 if name == "sparse_" else 1)
        assert (x != 7).all()


@pytest.mark.parametrize("kind", ["Tensor", "Parameter", "Own"])
def test_the_first_array_of_a_process_may_be_compiled(kind, monkeypatch):
    class Own(torch.Tensor):
        """A class of the user's."""

    registry._by_type.clear()
    monkeypatch.setattr(registry, "_supported", set())
    x = torch.full(SHAPE, 7.0)
    x = {"Tensor": x, "Parameter": torch.nn.Parameter(x), "Own": x.as_subclass(Own)}[kind]
    assert (compiled("zeros_", backend="eager")(x) == 0).all()


@pytest.mark.parametrize("name", [name for name in OWN_WAYS if name in MOMENTS])
def test_compiled_parameters_stay_leaves(name):
    x = torch.nn.Parameter(torch.full(SHAPE, 7.0))
    torch.manual_seed(0)
    compiled(name)(x)
    assert x.is_leaf
    assert x.requires_grad
    assert_drawn(name, x.detach(), *MOMENTS[name])


@pytest.mark.parametrize("sparsity", [0.25, 0.75])
def test_compiled_sparse_matrices_have_their_zeros(sparsity):
    torch.manual_seed(0)
    x = compiled("sparse_", sparsity=sparsity)(torch.full(SHAPE, 7.0))
    assert ((x == 0).sum(dim=0) == sparsity * SHAPE[0]).all()
    assert (x == 0).unique(dim=1).shape[1] == SHAPE[1]
    assert_drawn("sparse_", x[x != 0], 0.0, 0.01)


def test_compiled_kernels_are_orthogonal_at_their_centre():
    torch.manual_seed(0)
    x = compiled("delta_orthogonal_")(torch.full((48, 32, 3, 2), 7.0))
    centre = x[:, :, 1, 0]
    assert_drawn("delta_orthogonal_", centre, 0.0, 2 / math.sqrt(48))
    torch.testing.assert_close(centre.mT @ centre, 4 * torch.eye(32), rtol=0, atol=1e-5)
    assert x.count_nonzero() == centre.count_nonzero()


# test_copy_torch.py compiles copy_.
@pytest.mark.parametrize("name", [name for name in FIXED if name != "copy_"])
def test_compiled_constants_are_the_eager_ones(name):
    case = FIXED[name]
    expected = case.fill(torch.empty(case.shape))
    assert torch.equal(compiled(name)(torch.full(case.shape, 7.0)), expected)


# torch 2.13's inductor imports what torch.jit has deprecated.
@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning:torch._inductor")
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="inductor needs a C++ compiler")
@pytest.mark.parametrize("name", ["kaiming_uniform_", "trunc_normal_", "orthogonal_"])
def test_inductor_s_draws_obey_their_distribution(name):
    torch.manual_seed(0)
    assert_drawn(name, compiled(name, "inductor")(torch.full(SHAPE, 7.0)), *MOMENTS[name])


@pytest.mark.parametrize("name", ["kaiming_uniform_", "sparse_"])
def test_the_first_call_of_all_may_be_a_compiled_one(name):
    arguments = dict(FUNCTIONS[name].arguments)
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
