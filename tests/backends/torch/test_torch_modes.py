"""A fill under the modes of torch, which see and trace operations."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest
from torch_fills import FILLS, blank, every_fill, expected

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")


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
