"""float8 of torch, whose own operations on it are few, and whose conversions change with its release."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from float8 import decoded
from hard_numbers import SIZE, expected, hard
from libraries import FLOAT8, Library
from peers import peer

import arrayinit as ai
from arrayinit.kernels.draw import CHUNK

FILLS: dict[str, Callable[[Any], Any]] = {
    "seed": lambda x: ai.normal_(x, rng=0),
    "generator": lambda x: ai.normal_(x),
    "uniform": lambda x: ai.kaiming_uniform_(x),
    "truncated": lambda x: ai.trunc_normal_(x),
    "scaled": lambda x: ai.lecun_normal_(x),
    "sparse": lambda x: ai.sparse_(x, 0.5, rng=0),
    "orthogonal": lambda x: ai.orthogonal_(x, rng=0),
    "constant": lambda x: ai.constant_(x, 0.3),
    "NaN": lambda x: ai.constant_(x, math.nan),
    "identity": lambda x: ai.eye_(x),
    "copy": lambda x: ai.copy_(x, x.double() * 1000),
}


def empty(*shape: int, dtype: str = "float8_e4m3fn") -> Any:
    torch = peer("torch")
    return torch.full(shape, 2.0).to(getattr(torch, dtype))


def bits(x: Any) -> np.ndarray:
    codes: np.ndarray = x.detach().contiguous().view(peer("torch").uint8).numpy()
    return codes


def filled(fill: Callable[[Any], Any], x: Any) -> np.ndarray:
    peer("torch").manual_seed(3)
    assert fill(x) is x
    return bits(x)


@pytest.mark.parametrize("name", FILLS)
def test_tensors_in_any_memory_are_filled_alike(name: str, torch_library: Library) -> None:
    torch, fill = peer("torch"), FILLS[name]
    plain = filled(fill, empty(40, 24))
    np.testing.assert_array_equal(filled(fill, torch.nn.Parameter(empty(40, 24))), plain)
    if name != "generator":
        # torch's generators draw in the order of memory.
        np.testing.assert_array_equal(filled(fill, empty(24, 40).t()), plain)
    version = (x := empty(40, 24))._version
    fill(x)
    assert x._version > version


# Compiled, torch's own generators scale a draw on [-2, 2], which is rounded in another way.
@pytest.mark.parametrize("name", [name for name in FILLS if name not in ("copy", "scaled")])
def test_compiled_fills_are_those_of_eager_ones(name: str, torch_library: Library) -> None:
    torch, fill = peer("torch"), FILLS[name]
    plain = filled(fill, empty(16, 8))
    torch._dynamo.reset()
    torch.manual_seed(3)
    x = empty(16, 8)
    torch.compile(fill, fullgraph=True, backend="aot_eager")(x)
    np.testing.assert_array_equal(bits(x), plain)


@pytest.mark.parametrize("dtype", FLOAT8)
def test_a_compiled_copy_rounds_once(dtype: str, torch_library: Library) -> None:
    torch = peer("torch")
    torch._dynamo.reset()
    source = torch.from_numpy(hard("float64", dtype))
    x = empty(SIZE, dtype=dtype)
    torch.compile(ai.copy_, fullgraph=True, backend="aot_eager")(x, source)
    np.testing.assert_array_equal(decoded(bits(x), dtype), expected("float64", dtype))


@pytest.mark.parametrize("name", ["seed", "constant", "identity"])
def test_mapped_fills_give_every_slice_the_same(name: str, torch_library: Library) -> None:
    torch, fill = peer("torch"), FILLS[name]
    slices = torch.stack([empty(6, 4)] * 3)
    if not maps_views(slices):
        with pytest.raises(RuntimeError, match="Batching rule not implemented"):
            torch.vmap(fill)(slices)
        return
    np.testing.assert_array_equal(bits(torch.vmap(fill)(slices)), np.stack([filled(fill, empty(6, 4))] * 3))


def maps_views(x: Any) -> bool:
    """Whether torch.vmap has a rule for views of another dtype, as since torch 2.13."""
    torch = peer("torch")
    with suppress(RuntimeError):
        torch.vmap(lambda part: part.view(torch.uint8))(x)
        return True
    return False


@pytest.mark.parametrize("size", [5, 1000, CHUNK + 3, 2 * CHUNK + 7])
@pytest.mark.parametrize("name", ["normal_", "uniform_"])
def test_generators_of_torch_draw_what_they_draw_in_float32(name: str, size: int, torch_library: Library) -> None:
    torch = peer("torch")
    x, wide = empty(size, dtype="float8_e5m2"), torch.empty(size)
    getattr(ai, name)(x, rng=torch.Generator().manual_seed(5))
    getattr(torch.nn.init, name)(wide, generator=torch.Generator().manual_seed(5))
    np.testing.assert_array_equal(bits(x), bits(ai.copy_(empty(size, dtype="float8_e5m2"), wide)))


def test_meta_and_fake_tensors_are_left_alone(torch_library: Library) -> None:
    torch = peer("torch")
    from torch._subclasses.fake_tensor import FakeTensorMode

    for name, fill in FILLS.items():
        x = torch.empty(4, 3, dtype=torch.float8_e4m3fn, device="meta")
        if name != "copy":
            assert fill(x) is x
    with FakeTensorMode():
        for fill in FILLS.values():
            fill(torch.empty(4, 3, dtype=torch.float8_e4m3fn))


def test_past_the_largest_number_is_nan_where_torch_gives_the_largest(torch_library: Library) -> None:
    torch = peer("torch")
    wide = torch.tensor([448.0, 464.0, 465.0, -1e9, math.inf])
    x = ai.copy_(empty(5), wide)
    assert x.float().isnan().tolist() == [False, False, True, True, True]
    assert x.float()[:2].tolist() == [448.0, 448.0]
