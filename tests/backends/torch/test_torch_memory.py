"""What a fill does to the memory of a tensor: the values, and nothing else; and whose memory it may touch at all."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import MATRIX
from torch_fills import FILLS, SOURCES, VALUES, blank, every_fill, expected

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")


@every_fill
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("is_parameter", [False, True])
def test_a_fill_changes_values_and_nothing_else(name: str, dtype: str, is_parameter: bool) -> None:
    x = blank(name, dtype=getattr(torch, dtype))
    if is_parameter:
        x = torch.nn.Parameter(x)
        x.grad = torch.ones_like(x)
        x.register_hook(lambda grad: grad)
    x.mark = "mine"
    state = [x.data_ptr(), x.stride(), x.shape, x.dtype, x.requires_grad, x.is_leaf, x.grad, x._backward_hooks, x.mark]
    before = x._version
    assert FILLS[name](x) is x
    assert x._version > before
    after = [x.data_ptr(), x.stride(), x.shape, x.dtype, x.requires_grad, x.is_leaf, x.grad, x._backward_hooks, x.mark]
    assert all(a is b or a == b for a, b in zip(state, after, strict=True))
    assert x.untyped_storage().resizable()
    x.detach().resize_(2 * x.numel())


@pytest.mark.usefixtures("torch_library")
@pytest.mark.parametrize("rng", [0, None, np.random.default_rng(0)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_fill_raises_the_version_once(dtype: str, rng: Any) -> None:
    x = torch.empty(MATRIX, dtype=getattr(torch, dtype))
    arrayinit.normal_(x, rng=rng)
    assert x._version == 1


@pytest.mark.pairs
@pytest.mark.parametrize("kind", [name for name in SOURCES if "array" not in name and name not in ("integers", "list")])
def test_a_copy_leaves_no_mark_on_its_source(kind: str, library: Any) -> None:
    source = SOURCES[kind]()
    tensors = source if isinstance(source, list) else [source]
    versions = [tensor._version for tensor in tensors]
    y = arrayinit.copy_(library.empty(MATRIX, "float32"), source)
    np.testing.assert_array_equal(library.to_numpy(y), VALUES)
    assert [tensor._version for tensor in tensors] == versions
    assert all(tensor.untyped_storage().resizable() for tensor in tensors)


@every_fill
def test_a_lazy_clone_is_written_alone(name: str) -> None:
    x = blank(name)
    clone = torch._lazy_clone(x)
    FILLS[name](clone)
    assert (x == 7).all()
    assert torch.equal(clone, expected(name))


# What a fill must refuse.
def freed(x: Any) -> Any:
    x.untyped_storage().resize_(0)
    return x


def cut(x: Any) -> Any:
    x.untyped_storage().resize_(4 * x.numel() - 4)
    return x


def windows(x: Any) -> Any:
    return x.as_strided(x.shape, [1] * x.ndim)


def nested_windows(x: Any) -> Any:
    steps = [*x.stride()[1:], 1]
    steps[0] -= 1
    return x.as_strided(x.shape, steps)


def from_inference_mode(x: Any) -> Any:
    with torch.inference_mode():
        return x.clone()


REFUSED = {
    "freed": (freed, "storage of 0 bytes, which was freed"),
    "cut": (cut, "bytes, which was freed"),
    "expanded": (lambda x: x[:1].expand(x.shape), r"single memory location: pass x\.clone\(\)"),
    "windows": (windows, r"single memory location: pass x\.clone\(\)"),
    "nested windows": (nested_windows, r"single memory location: pass x\.clone\(\)"),
    "inference": (from_inference_mode, r"nference tensor.* pass x\.clone\(\)|Inplace update to inference tensor"),
}


@every_fill
@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("is_parameter", [False, True])
def test_memory_that_must_not_be_written_is_refused(kind: str, name: str, is_parameter: bool) -> None:
    make, message = REFUSED[kind]
    x = make(blank(name))
    x = torch.nn.Parameter(x) if is_parameter and kind != "inference" else x
    with pytest.raises(RuntimeError, match=message):
        FILLS[name](x)
    assert kind in ("freed", "cut") or (x == 7).all()


@every_fill
def test_inference_tensors_are_filled_within_the_mode(name: str) -> None:
    with torch.inference_mode():
        x = blank(name)
        assert FILLS[name](x) is x
        assert torch.equal(x, expected(name))


@every_fill
@pytest.mark.parametrize("kind", ["shared", "mapped", "strided"])
def test_memory_of_other_kinds_is_filled(kind: str, name: str, tmp_path: Any) -> None:
    x = blank(name)
    if kind == "shared":
        x.share_memory_()
    elif kind == "mapped":
        (tmp_path / "weights").write_bytes(bytes(4 * x.numel()))
        x = torch.from_file(str(tmp_path / "weights"), shared=True, size=x.numel()).view(x.shape)
    else:
        x = torch.full((2 * x.shape[0], *x.shape[1:]), 7.0)[::2]
    FILLS[name](x)
    if kind == "strided":  # torch draws normal numbers for strided memory in another way.
        assert torch.equal(x, FILLS[name](torch.full((2 * len(x), *x.shape[1:]), 7.0)[::2]))
    else:
        assert torch.equal(x, expected(name))
    if kind == "mapped":
        stored = np.fromfile(tmp_path / "weights", "float32").reshape(x.shape)
        np.testing.assert_array_equal(stored, x.numpy())


@pytest.mark.pairs
@pytest.mark.parametrize("kind", ["freed", "cut"])
def test_freed_sources_are_refused(kind: str, library: Any) -> None:
    source = REFUSED[kind][0](torch.ones(6))
    x = library.full((6,), "float32", 1)
    with pytest.raises(RuntimeError, match=r"source .*freed or not yet allocated"):
        arrayinit.copy_(x, source)
    np.testing.assert_array_equal(library.to_numpy(x), 1)


@pytest.mark.pairs
def test_a_tensor_of_zeros_without_memory_is_read(library: Any) -> None:
    x = library.full((6,), "float32", 1)
    np.testing.assert_array_equal(library.to_numpy(arrayinit.copy_(x, torch._efficientzerotensor(6))), 0)
