"""A fill of a tensor that was computed, which warns, and of a view of a parameter, which does not."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import torch_fills
from torch_fills import FILLS, blank, every_fill, expected

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")


@every_fill
def test_a_computed_tensor_is_filled_with_a_warning(name: str) -> None:
    x = torch.nn.Parameter(blank(name)) * 1
    with pytest.warns(UserWarning, match=r"x was computed .*MulBackward.*Fill the parameter") as record:
        FILLS[name](x)
    assert [warning.filename for warning in record] == [
        torch_fills.__file__ if "copy_ " in name else record[0].filename
    ]
    assert torch.equal(x.detach(), expected(name))


def test_the_weight_of_weight_norm_is_computed() -> None:
    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(3, 3))
    with pytest.warns(UserWarning, match="parametrizations.weight.original1") as record:
        arrayinit.normal_(layer.weight, rng=0)
    assert record[0].filename == __file__
    arrayinit.normal_(layer.parametrizations.weight.original1, rng=0)


@pytest.mark.parametrize("make", [lambda p: p[1:], lambda p: p.t().t(), lambda p: p.view(-1), lambda p: p.chunk(2)[0]])
def test_a_view_of_a_parameter_is_not_computed(make: Any) -> None:
    weight = torch.nn.Parameter(torch.zeros(4, 4))
    arrayinit.ones_(make(weight))
    assert (weight == 1).any()


@every_fill
@pytest.mark.parametrize("split", ["chunk", "split", "unbind"])
def test_each_of_several_views_of_a_parameter_is_filled(name: str, split: str) -> None:
    weight = torch.nn.Parameter(torch.stack([blank(name)] * 3))
    views = {
        "chunk": lambda: [part[0] for part in weight.chunk(3)],
        "split": lambda: [part[0] for part in weight.split([1, 1, 1])],
        "unbind": weight.unbind,
    }
    for part in views[split]():
        FILLS[name](part)
    assert all(torch.equal(part, expected(name)) for part in weight.detach())


def test_a_view_of_a_computed_tensor_is_computed() -> None:
    x = torch.nn.Parameter(torch.zeros(4, 4)) * 1
    with pytest.warns(UserWarning, match="computed .*MulBackward") as record:
        arrayinit.zeros_(x[1:])
    assert [warning.filename for warning in record] == [__file__]
