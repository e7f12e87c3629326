"""A device that is not the CPU: what torch draws itself passes nothing to the host, and Triton may be missing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWS
from portable_calls import reference, same_bits

import arrayinit
from arrayinit.kernels import table

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    from arrayinit.backends._torch import backend
    from arrayinit.backends._torch import custom_op as torch_operator

    class Watched(TorchDispatchMode):
        """Keeps the names of the operators that are called."""

        def __init__(self) -> None:
            super().__init__()
            self.names: list[str] = []

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.names.append(f"{func} to a device" if (kwargs or {}).get("device") else str(func))
            return func(*args, **(kwargs or {}))


# Values that are read, sizes that depend on values, and numbers that Python had.
WAITS = (
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "unique",
    "equal",
    "lift_fresh",
    "to a device",
    "aten.index.",
)

CALLS: dict[str, Callable[[Any], Any]] = {
    "sparse_, most": lambda x: arrayinit.sparse_(x, 0.9),
    "sparse_, few": lambda x: arrayinit.sparse_(x, 0.1),
    "dirac_": lambda x: arrayinit.dirac_(x.view(24, 4, 2, 3)),
    "dirac_, groups": lambda x: arrayinit.dirac_(x.view(24, 4, 6), 3),
    "eye_": arrayinit.eye_,
    "variance_scaling_": arrayinit.variance_scaling_,
    **{
        f"trunc_normal_{bounds}": lambda x, bounds=bounds: arrayinit.trunc_normal_(x, 0.0, 1.0, *bounds)
        for bounds in ((-2.0, 2.0), (2.0, 3.0), (-40.0, -39.0), (-1e-6, 1e-6))
    },
}


def waits(names: list[str]) -> list[str]:
    return [name for name in names if any(wait in name for wait in WAITS)]


@pytest.mark.usefixtures("torch_library")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", CALLS)
def test_nothing_passes_between_device_and_host(name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As on a device, whose memory NumPy does not see.
    monkeypatch.setattr(backend, "is_plain", lambda _: False)
    monkeypatch.setattr(torch, "from_numpy", None)
    x = torch.empty(24, 24, dtype=getattr(torch, dtype))
    with Watched() as watched:
        CALLS[name](x)
    assert watched.names
    assert waits(watched.names) == []


@pytest.mark.usefixtures("torch_library")
def test_that_check_fails_for_what_waits() -> None:
    x = torch.ones(3)
    for wrong in (
        x.sum().item,
        lambda: bool(x[0] > 0),
        lambda: x[x > 0],
        lambda: x[[0, 2]],
        lambda: torch.tensor([1.0]),
    ):
        with Watched() as watched:
            wrong()
        assert waits(watched.names)


@pytest.mark.usefixtures("torch_library")
@pytest.mark.parametrize("name", ["normal_", "sparse_"])
def test_without_compilers_a_device_is_filled_from_the_host(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for compiler in ("cuda_torch", "triton_launch"):
        monkeypatch.setitem(sys.modules, f"arrayinit.kernels._{compiler}", None)
    kernels = torch_operator._on_gpu.__wrapped__(0)
    assert kernels is None
    monkeypatch.setattr(torch_operator, "_kernels", lambda _: kernels)
    monkeypatch.setattr(torch_operator, "fill_memory", lambda *_: False)
    monkeypatch.setattr("arrayinit.backends._torch.backend.is_unseen", lambda _: False)
    draw = DRAWS[name]
    same_bits(draw.fill(torch.empty(draw.shape)).numpy(), reference(draw, "float32"), "float32")


@pytest.mark.usefixtures("torch_library")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["normal_", "orthogonal_"])
def test_a_numpy_generator_s_numbers_reach_a_device_in_chunks(
    name: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill, x = getattr(arrayinit, name), torch.empty(24, 24, dtype=getattr(torch, dtype))
    expected = fill(x.clone(), rng=np.random.default_rng(0))
    uploaded = []
    upload = torch.from_numpy
    monkeypatch.setattr(torch, "from_numpy", lambda chunk: (uploaded.append(chunk.size), upload(chunk))[1])
    monkeypatch.setattr(table, "UPLOAD", 800)
    # As on a device, whose memory NumPy does not see.
    monkeypatch.setattr(torch.Tensor, "is_cpu", False, raising=False)
    fill(x, rng=np.random.default_rng(0))
    assert torch.equal(x, expected)
    assert max(uploaded) <= 100
    assert sum(uploaded) == x.numel()
