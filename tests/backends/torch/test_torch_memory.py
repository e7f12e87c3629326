"""What a fill does to the memory of a tensor: the values, and nothing else; and whose memory it may touch at all."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, FUNCTIONS, MATRIX
from copy_sources import array
from torch_calls import empty, fill

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")

# Each call makes a new generator, in the same state.
RNGS: dict[str, Callable[[], Any]] = {
    "None": lambda: torch.manual_seed(3) and None,
    "torch.Generator": lambda: torch.Generator().manual_seed(3),
    "np.random.Generator": lambda: np.random.default_rng(3),
    "int": lambda: 3,
    "list": lambda: [3, 4],
    "SeedSequence": lambda: np.random.SeedSequence(3),
}
VALUES = np.arange(120.0).reshape(MATRIX)
SOURCES: dict[str, Callable[[], Any]] = {
    "array": lambda: VALUES.astype("float32"),
    "wide array": lambda: VALUES,
    "integers": lambda: VALUES.astype("int64"),
    "list": lambda: VALUES.tolist(),
    "tensor": lambda: torch.from_numpy(VALUES.astype("float32")).clone(),
    "wide tensor": lambda: torch.from_numpy(VALUES).clone(),
    "bfloat16": lambda: torch.from_numpy(VALUES).bfloat16(),
    "parameter": lambda: torch.nn.Parameter(torch.from_numpy(VALUES).float()),
    "transposed": lambda: torch.from_numpy(VALUES).t().contiguous().t(),
    "list of tensors": lambda: list(torch.from_numpy(VALUES).clone()),
}

# Each function with each kind of rng, or each kind of source, that it takes.
FILLS: dict[str, Callable[[Any], Any]] = {
    **{
        f"{name} {kind}": lambda x, n=name, rng=rng: fill(n, x, rng=rng())
        for name in DRAWN
        for kind, rng in RNGS.items()
    },
    **{name: lambda x, n=name: fill(n, x) for name in FUNCTIONS if name not in (*DRAWN, "copy_")},
    **{f"copy_ {kind}": lambda x, make=make: arrayinit.copy_(x, make()) for kind, make in SOURCES.items()},
}
every_fill = pytest.mark.parametrize("name", FILLS)


def blank(name: str, **options: Any) -> Any:
    return empty(name.split(maxsplit=1)[0], **options)


def expected(name: str, **options: Any) -> Any:
    return FILLS[name](blank(name, **options))


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


def recorder() -> Any:
    """Return a mode that writes down what torch does."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recorder(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.written: list[int] = []

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if function._schema.is_mutable:
                self.written.append(args[0].untyped_storage().data_ptr())
            return function(*args, **(kwargs or {}))

    return Recorder()


@every_fill
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_mode_sees_each_write(name: str, dtype: str) -> None:
    x = blank(name, dtype=getattr(torch, dtype))
    with recorder() as mode:
        assert FILLS[name](x) is x
    assert x.untyped_storage().data_ptr() in mode.written
    assert torch.equal(x, expected(name, dtype=x.dtype))


@every_fill
def test_a_function_mode_sees_each_write(name: str) -> None:
    from torch.overrides import TorchFunctionMode

    class Recorder(TorchFunctionMode):
        def __init__(self) -> None:
            super().__init__()
            self.written = False

        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            called = str(getattr(function, "__name__", function))
            self.written |= called.endswith("_") or called in ("portable.default", "__setitem__")
            return function(*args, **(kwargs or {}))

    x = blank(name)
    with Recorder() as mode:
        FILLS[name](x)
    assert mode.written
    assert torch.equal(x, expected(name))


def test_a_default_device_is_no_reason_to_leave_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from arrayinit.backends._torch import dtensor

    monkeypatch.setattr(dtensor, "apply", lambda *_: pytest.fail("by the operator"))
    x = torch.empty(3)
    with torch.device("cpu"):
        arrayinit.normal_(x, rng=0)
    assert torch.equal(x, arrayinit.normal_(torch.empty(3), rng=0))


# A graph cannot hold a generator of torch, and what is fake takes no values from the host.
REAL = [name for name in FILLS if "torch.Generator" not in name]
FAKE = [name for name in REAL if "np.random" not in name and "copy_" not in name]


@pytest.mark.parametrize(("mode", "name"), [*(("real", name) for name in REAL), *(("fake", name) for name in FAKE)])
def test_the_graph_of_make_fx_has_the_fill(name: str, mode: str) -> None:
    from torch.fx.experimental.proxy_tensor import make_fx

    graph = make_fx(lambda x: FILLS[name](x), tracing_mode=mode)(blank(name))
    x = blank(name)
    if name.endswith("None"):
        torch.manual_seed(3)
    y = graph(x)
    if name == "sparse_ None":  # As compiled: its rows are chosen by other operations.
        assert (y == 0).sum(0).tolist() == [math.ceil(0.3 * 12)] * 10
        return
    assert torch.equal(y, expected(name))
    assert torch.equal(x, y)


@every_fill
def test_a_computed_tensor_is_filled_with_a_warning(name: str) -> None:
    x = torch.nn.Parameter(blank(name)) * 1
    with pytest.warns(UserWarning, match=r"x was computed .*MulBackward.*Fill the parameter") as record:
        FILLS[name](x)
    assert [warning.filename for warning in record] == [__file__ if "copy_ " in name else record[0].filename]
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


@pytest.mark.pairs
def test_arrays_in_a_list_are_read_by_their_libraries(library: Any) -> None:
    rows = [array("torch", np.full(3, 1.0, "float32"), "bfloat16"), np.full(3, 2.0), (3.0, 3, True)]
    y = arrayinit.copy_(library.empty((3, 3), "float32"), rows)
    np.testing.assert_array_equal(library.to_numpy(y), [[1, 1, 1], [2, 2, 2], [3, 3, 1]])
