"""Tensors that are not plain: uninitialized, wrapped, masked, sparse and nested."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from torch_fills import FILLS, blank, every_fill, expected

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")


@every_fill
def test_an_uninitialized_parameter_is_refused(name: str) -> None:
    with pytest.raises(RuntimeError, match="x is an uninitialized parameter"):
        FILLS[name](torch.nn.parameter.UninitializedParameter())


def wrapper(mode: str) -> type:
    """Make a class of tensors that wrap another, as torchao's do."""
    from torch.utils._pytree import tree_map

    class Wrapper(torch.Tensor):
        """``mode`` says what becomes of torch's operations: done, refused, or done to what is thrown away."""

        @staticmethod
        def __new__(cls, inner: Any) -> Any:
            return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype, strides=inner.stride())

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        @classmethod
        def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if mode == "refuses" and "detach" not in str(function):
                return NotImplemented

            def inner(x: Any) -> Any:
                if isinstance(x, Wrapper):
                    return x.inner.clone() if mode == "forgets" and "detach" not in str(function) else x.inner
                return x

            def outer(x: Any) -> Any:
                return Wrapper(x) if isinstance(x, torch.Tensor) else x

            return tree_map(outer, function(*tree_map(inner, args), **tree_map(inner, kwargs or {})))

    return Wrapper


@every_fill
@pytest.mark.parametrize("is_parameter", [False, True])
def test_a_wrapper_is_filled_by_torch(name: str, is_parameter: bool) -> None:
    inner = blank(name)
    x = wrapper("does")(inner)
    x = torch.nn.Parameter(x) if is_parameter else x
    assert FILLS[name](x) is x
    assert torch.equal(inner, expected(name))


@every_fill
@pytest.mark.parametrize("mode", ["refuses", "forgets"])
def test_a_wrapper_that_cannot_be_filled_is_refused(mode: str, name: str) -> None:
    inner = blank(name)
    with pytest.raises(TypeError, match=r"x is a .*Wrapper.*pass a plain tensor"):
        FILLS[name](wrapper(mode)(inner))
    assert (inner == 7).all()


@pytest.mark.pairs
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
def test_a_wrapper_is_read_by_torch(dtype: str, library: Any) -> None:
    source = wrapper("does")(torch.arange(6, dtype=getattr(torch, dtype)))
    for given in (source, [source, source]):
        y = arrayinit.copy_(library.full((6,) if given is source else (2, 6), "float32", 1), given)
        np.testing.assert_array_equal(library.to_numpy(y), np.broadcast_to(np.arange(6.0), y.shape))


@pytest.mark.pairs
def test_a_wrapper_that_cannot_be_read_is_refused(library: Any) -> None:
    x = library.full((6,), "float32", 1)
    with pytest.raises(TypeError, match=r"source is a .*Wrapper.*pass a plain tensor"):
        arrayinit.copy_(x, wrapper("refuses")(torch.ones(6)))
    np.testing.assert_array_equal(library.to_numpy(x), 1)


@pytest.fixture
def masked() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.masked import masked_tensor

        return lambda x: masked_tensor(x, torch.ones_like(x, dtype=torch.bool))


# torch warns of each masked tensor that it makes.
@pytest.mark.pairs
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("in_list", [False, True])
def test_a_masked_source_is_refused(masked: Any, library: Any, in_list: bool) -> None:
    source = masked(torch.ones(6))
    with pytest.raises(TypeError, match=r"source.* MaskedTensor.*get_data\(\)"):
        arrayinit.copy_(library.empty((1, 6) if in_list else (6,), "float32"), [source] if in_list else source)


@pytest.mark.filterwarnings("ignore::UserWarning")
@every_fill
def test_a_masked_tensor_is_refused(name: str, masked: Any) -> None:
    x = masked(blank(name))
    with pytest.raises(TypeError, match=r"x is a MaskedTensor.*pass x\.get_data\(\)"):
        FILLS[name](x)
    assert (x.get_data() == 7).all()


LAYOUTS: dict[str, tuple[Callable[[], Any], str]] = {
    "COO": (lambda: torch.ones(12, 10).to_sparse(), r"torch\.sparse_coo.*pass {name}\.to_dense\(\)"),
    "CSR": (lambda: torch.ones(12, 10).to_sparse_csr(), r"torch\.sparse_csr.*pass {name}\.values\(\)"),
    "CSC": (lambda: torch.ones(12, 10).to_sparse_csc(), r"torch\.sparse_csc.*pass {name}\.values\(\)"),
    "BSR": (lambda: torch.ones(12, 10).to_sparse_bsr((2, 2)), r"torch\.sparse_bsr.*pass {name}\.values\(\)"),
    "MKL-DNN": (lambda: torch.ones(12, 10).to_mkldnn(), r"torch\._mkldnn.*pass {name}\.to_dense\(\)"),
    "jagged": (
        lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged),
        r"torch\.jagged.*pass {name}\.values\(\)",
    ),
    "nested": (
        lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        r"nested tensor.*{name}\.unbind\(\)",
    ),
}


# torch's sparse and nested tensors warn that they are prototypes.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", LAYOUTS)
@pytest.mark.parametrize("name", [name for name in FILLS if name != "dirac_" and "delta" not in name])
def test_layouts_without_an_element_at_each_index_are_refused(kind: str, name: str) -> None:
    make, message = LAYOUTS[kind]
    with pytest.raises(TypeError, match="x is a .*" + message.format(name="x")):
        FILLS[name](make())


@pytest.mark.pairs
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", LAYOUTS)
def test_such_layouts_are_no_sources(kind: str, library: Any) -> None:
    make, message = LAYOUTS[kind]
    with pytest.raises(TypeError, match="source is a .*" + message.format(name="source")):
        arrayinit.copy_(library.empty((12, 10), "float32"), make())
