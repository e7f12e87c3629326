"""A seed on torch tensors of every kind: they stay what they are, and autograd learns that they were written."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import FUNCTIONS, LARGE_KERNEL
from libraries import Library
from portable_calls import TOLERANCE, reference, same_bits

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch


def variants() -> dict[str, Any]:
    return {
        "float16": torch.empty(LARGE_KERNEL, dtype=torch.float16),
        "bfloat16": torch.empty(LARGE_KERNEL, dtype=torch.bfloat16),
        "permuted bfloat16": torch.empty(LARGE_KERNEL[::-1], dtype=torch.bfloat16).permute(3, 2, 1, 0),
        "channels last": torch.empty(LARGE_KERNEL).to(memory_format=torch.channels_last),
        "conjugate": torch.empty(LARGE_KERNEL, dtype=torch.complex64).conj(),
        "negative": torch.empty(LARGE_KERNEL, dtype=torch.complex64).conj().imag,
        "imaginary part": torch.empty(LARGE_KERNEL, dtype=torch.complex128).imag,
    }


VARIANTS = ("float16", "bfloat16", "permuted bfloat16", "channels last", "conjugate", "negative", "imaginary part")
CALLS = {name: FUNCTIONS[name].at(LARGE_KERNEL) for name in ("normal_", "kaiming_uniform_", "orthogonal_")}
filled_in_torch = pytest.mark.parametrize("name", CALLS)


def assert_filled(name: str, x: Any, library: Library) -> None:
    dtype = str(x.dtype).removeprefix("torch.")
    values = library.to_numpy(x.detach().resolve_conj().resolve_neg())
    if name == "orthogonal_":
        rows = values.reshape(LARGE_KERNEL[0], -1).astype(complex)
        np.testing.assert_allclose(rows @ rows.T.conj(), 4 * np.eye(len(rows)), atol=16 * TOLERANCE[dtype])
    else:
        same_bits(values, reference(CALLS[name], dtype), dtype)


@pytest.mark.parametrize("kind", VARIANTS)
@filled_in_torch
def test_a_torch_tensor_stays_itself_and_has_a_new_version(name, kind, torch_library):
    x = variants()[kind]
    before, strides = x._version, x.stride()
    assert CALLS[name].fill(x) is x
    assert x._version > before
    assert x.stride() == strides
    assert_filled(name, x, torch_library)


@pytest.mark.parametrize("kind", VARIANTS)
@filled_in_torch
def test_a_parameter_keeps_no_trace_of_being_filled(name, kind, torch_library):
    for x in (torch.nn.Parameter(variants()[kind]), variants()[kind].requires_grad_()):
        before = x._version
        assert CALLS[name].fill(x) is x
        assert x.requires_grad
        assert x.is_leaf
        assert x.grad_fn is None
        assert x._version > before
        assert_filled(name, x, torch_library)


@pytest.mark.parametrize("kind", VARIANTS)
@filled_in_torch
def test_inference_tensors_are_filled(name, kind, torch_library):
    with torch.inference_mode():
        x = variants()[kind]
        assert CALLS[name].fill(x) is x
        assert_filled(name, x, torch_library)
