"""Fused weights of torch's modules: layouts, groups, padding, views, and memory that is given later."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

import arrayinit as ai

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    from torch import nn
    from torch._subclasses.fake_tensor import FakeTensorMode

pytestmark = pytest.mark.usefixtures("torch_library")

GATES = ["i", "f", "g", "o"]


def alone(name: str, layer: Any, value: Any, rng: Any = 0) -> Any:
    """Return the weight of a layer of this name, filled by itself."""
    model = nn.Module()
    at = model
    *path, last = name.split(".")
    for part in path:
        at.add_module(part, nn.Module())
        at = at.get_submodule(part)
    at.add_module(last, layer)
    ai.initialize(model, [("weight", value), ai.Rule("bias", ai.zeros(), optional=True)], rng=rng)
    return layer.weight


def test_gqa_is_three_layers() -> None:
    fused = nn.ModuleDict({"attn": nn.ModuleDict({"wqkv": nn.Linear(8, 24, bias=False)})})
    sizes = {"wq": 16, "wk": 4, "wv": 4}
    for value in (ai.xavier_normal(), ai.orthogonal(), ai.kaiming_uniform(mode="fan_out")):
        rules = [("wqkv.weight", ai.parts(value, "O", sizes, names=("wqkv", "{part}")))]
        weight = ai.initialize(fused, rules, rng=0)["attn"]["wqkv"].weight
        expected = [alone(f"attn.{name}", nn.Linear(8, size, bias=False), value) for name, size in sizes.items()]
        assert torch.equal(weight, torch.cat(expected))
        assert weight.is_leaf
        assert weight.requires_grad


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_gates_of_an_lstm_are_layers(device: str) -> None:
    with torch.device(device):
        lstm = nn.LSTM(4, 6, num_layers=2, bidirectional=True)
    rules = [
        ("weight_*", ai.parts(ai.orthogonal(), "O", GATES)),
        ("bias_ih_*", ai.parts(ai.zeros(), "O", GATES, values={"f": ai.ones()})),
        ("bias_hh_*", ai.zeros()),
    ]
    plan = ai.plan(lstm, rules)
    ai.initialize(lstm, rules, rng=0, device="cpu")
    assert plan.audit(lstm).ok
    for name, weight in lstm.named_parameters():
        for k, gate in enumerate(GATES):
            part = weight[6 * k : 6 * k + 6]
            if name.startswith("bias"):
                assert (part == (gate == "f" and "ih" in name)).all()
            else:
                x = torch.empty(part.shape)
                assert torch.equal(part, ai.orthogonal_(x, rng=ai.fold_in(0, f"{gate}.{name}")))


def test_a_part_of_the_outputs_has_a_part_of_the_groups() -> None:
    fused = nn.Conv2d(12, 24, 3, groups=6, bias=False)
    value = ai.kaiming_normal(mode="fan_out")
    rules = [("weight", ai.parts(value, "O", {"a": 16, "b": 8}))]
    step = ai.plan(fused, rules)[0]
    assert [part.groups for part in step.action.steps] == [4, 2]
    ai.initialize(fused, rules, rng=0)
    a, b = nn.Conv2d(8, 16, 3, groups=4), nn.Conv2d(4, 8, 3, groups=2)
    assert torch.equal(fused.weight, torch.cat([alone("a", a, value), alone("b", b, value)]))
    with pytest.raises(ValueError, match=r"a part of 18 along axis 0 .* does not consist of whole groups"):
        ai.plan(fused, [("weight", ai.parts(value, "O", {"a": 18, "b": 6}))])
    step = ai.plan(fused, [("weight", ai.parts(value, "I", ["a", "b"]))])[0]
    assert [part.groups for part in step.action.steps] == [6, 6]
    transposed = nn.ConvTranspose2d(12, 24, 3, groups=6, bias=False)
    for axis in ("O", "I"):
        with pytest.raises(ValueError, match="transposed convolution with 6 groups"):
            ai.plan(transposed, [("weight", ai.parts(ai.normal(), axis, ["a", "b"]))])
    one = nn.ConvTranspose2d(12, 24, 3, bias=False)
    ai.initialize(one, [("weight", ai.parts(value, "O", ["a", "b"]))], rng=0)
    parts = [alone(name, nn.ConvTranspose2d(12, 12, 3), value) for name in "ab"]
    assert torch.equal(one.weight, torch.cat(parts, 1))


@pytest.mark.parametrize("axis", ["O", "I"])
def test_padding_stays_zero(axis: str) -> None:
    table = nn.Embedding(10, 6, padding_idx=7)
    rules = [("weight", ai.parts(ai.normal(), axis, ["a", "b"]))]
    ai.initialize(table, rules, rng=0)
    halves = (10 // 2, 6) if axis == "O" else (10, 6 // 2)
    expected = torch.cat(
        [ai.normal_(torch.empty(halves), rng=ai.fold_in(0, f"{name}.weight")) for name in "ab"], int(axis == "I")
    )
    expected[7] = 0
    assert torch.equal(table.weight, expected)
    plan = ai.plan(table, rules)
    assert plan.audit(table).ok
    with torch.no_grad():
        table.weight[7, 5] = 1
    assert [fault.partition(":")[0] for fault in plan.audit(table).faults] == ["weight, part 'b'"]
    # What is given keeps its values.
    given = torch.ones(halves)
    ai.initialize(table, [("weight", ai.parts(ai.normal(), axis, ["a", "b"], values={"b": given}))], rng=0)
    assert table.weight[7, 5] == 1
    with pytest.raises(ValueError, match=r"an embedding of shape .* with padding, and no stack of layers"):
        ai.plan(table, [("weight", ai.stack(ai.normal()))])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float8_e4m3fn", "complex64"])
def test_parts_of_views_are_those_of_contiguous_tensors(dtype: str) -> None:
    kind = getattr(torch, dtype)
    rules = [("x", ai.parts(ai.normal(), 0, ["a", "b"], values={"b": ai.stack(ai.uniform(), axis=1)}))]
    expected = ai.initialize({"x": torch.empty(6, 4, dtype=kind)}, rules, rng=0)["x"]
    for view in (
        torch.empty(4, 6, dtype=kind).T,
        torch.empty(12, 8, dtype=kind)[::2, ::2],
        torch.empty(6, 4, dtype=kind).to(memory_format=torch.contiguous_format),
    ):
        ai.initialize({"x": view}, rules, rng=0)
        assert torch.equal(view.to(torch.complex64), expected.to(torch.complex64))


def test_torchs_generators_draw_the_parts_in_their_order() -> None:
    rules = [("x", ai.parts(ai.normal(), 1, ["a", "b"], values={"b": ai.trunc_normal()}))]
    torch.manual_seed(3)
    fused = ai.initialize({"x": torch.empty(50, 40)}, rules)["x"]
    torch.manual_seed(3)
    a, b = torch.nn.init.normal_(torch.empty(50, 20)), ai.trunc_normal_(torch.empty(50, 20))
    assert torch.equal(fused, torch.cat([a, b], 1))


def test_a_write_is_seen_by_autograd() -> None:
    x = nn.Parameter(torch.empty(6, 4))
    before = x._version
    ai.initialize({"x": x}, [("x", ai.parts(ai.normal(), 0, ["a", "b"]))], rng=0)
    assert x._version > before
    assert x.is_leaf


def test_what_has_no_memory_is_not_written() -> None:
    rules = [("x", ai.parts(ai.normal(), 0, ["a", "b"], values={"b": ai.orthogonal(layout="OI")}))]
    with FakeTensorMode():
        x = torch.empty(6, 4)
        assert ai.initialize({"x": x}, rules, rng=0)["x"] is x


def test_a_layer_has_the_layout_without_the_axis() -> None:
    layer = torch.nn.Conv2d(4, 6, (3, 5))
    for axis, layout in ((0, "I..."), (1, "O..."), (2, "OI..."), (3, "OI...")):
        (step, _) = ai.plan(layer, [("weight", ai.stack(ai.zeros(), axis=axis)), ("bias", ai.zeros())])
        assert step.action.steps[0].layout == layout
    (step, _) = ai.plan(torch.nn.Linear(4, 6), [("weight", ai.stack(ai.zeros())), ("bias", ai.zeros())])
    assert step.action.steps[0].layout is None
