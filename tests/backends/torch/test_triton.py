"""The kernels in Triton: in its interpreter, on tensors of the CPU, they give the bits of the host.

Triton must be told before it is imported, so TRITON_INTERPRET=1 belongs to the environment: `nox -s triton` sets it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from boxes import whole
from cases import DRAWS
from portable_calls import same_bits

import arrayinit
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import seed_of

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
pytestmark = [
    pytest.mark.skipif(not INTERPRETED, reason="Triton's interpreter is not asked for: TRITON_INTERPRET=1"),
    pytest.mark.usefixtures("torch_library"),
]
if INTERPRETED:
    import torch

    from arrayinit.backends import first_use
    from arrayinit.backends._torch import custom_op as torch_operator
    from arrayinit.kernels import _triton as source
    from arrayinit.kernels import _triton_launch as torch_triton


def test_of_equal_keys_those_of_the_first_rows_are_the_smallest(monkeypatch: pytest.MonkeyPatch) -> None:
    launch = torch_triton._fill

    def few_keys(box: Any, draw: Any, *rest: Any) -> None:
        launch(box, draw, *rest)
        if draw is torch_triton._KEYS:
            box.bitwise_and_(3)

    monkeypatch.setattr(torch_triton, "_fill", few_keys)
    words = arrayinit.kernels.subsets.words
    monkeypatch.setattr(arrayinit.kernels.subsets, "words", lambda *place: words(*place) & np.uint32(3))
    draw = Draw(Normal(0.0, 1.0), seed_of(5), FORMATS["float32"], (40, 9), (0, 1), 17)
    x = torch.empty(draw.shape)
    torch_triton.fill_device(x, draw)
    np.testing.assert_array_equal(x.numpy(), whole(draw))


def test_neither_parameters_nor_sizes_make_another_kernel() -> None:
    source.kernel.cache_clear()
    for distribution in (Normal(0.0, 1.0), Normal(0.0, 0.02)):
        for shape in ((5,), (1 << 12,), (64, 33)):
            torch_triton.fill_device(
                torch.empty(shape), Draw(distribution, seed_of(1), FORMATS["float32"], shape, tuple(range(len(shape))))
            )
    assert source.kernel.cache_info().currsize == 1
    # Rows of an array, and axes that do not run on in memory: by powers of two.
    for shape in ((4, 6), (4, 6, 5), (2, 3, 4, 5)):
        x = torch.empty([n + 1 for n in shape])[tuple(slice(n) for n in shape)]
        torch_triton.fill_device(x, Draw(distribution, seed_of(1), FORMATS["float32"], shape, tuple(range(len(shape)))))
    assert source.kernel.cache_info().currsize == 3


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the memory of the CPU for that of a GPU."""
    monkeypatch.setattr(torch_operator, "fill_memory", lambda *_: False)
    monkeypatch.setattr("arrayinit.backends._torch.backend.is_unseen", lambda _: False)
    monkeypatch.setattr(torch_operator, "_kernels", lambda _: torch_triton)
    # torch is asked whether anything may wait for the GPU.
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 0)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    monkeypatch.setattr(first_use, "_answers", {})


SHAPE = (6, 5, 3, 7)


def tensors() -> dict[str, Any]:
    return {
        "parameter": torch.nn.Parameter(torch.empty(SHAPE)),
        "watched": torch.empty(SHAPE).requires_grad_(),
        "channels last": torch.empty(SHAPE).to(memory_format=torch.channels_last),
        "conjugate": torch.empty(SHAPE, dtype=torch.complex64).conj(),
        "negative": torch.empty(SHAPE, dtype=torch.complex64).conj().imag,
        "imaginary part": torch.empty(SHAPE, dtype=torch.complex128).imag,
        "without elements": torch.empty(3, 0),
        "without axes": torch.empty(()),
    }


KINDS = [
    "parameter",
    "watched",
    "channels last",
    "conjugate",
    "negative",
    "imaginary part",
    "without elements",
    "without axes",
]


@pytest.mark.usefixtures("on_gpu")
@pytest.mark.parametrize("kind", KINDS)
def test_a_tensor_of_any_kind_is_filled_and_has_a_new_version(kind: str) -> None:
    x = tensors()[kind]
    dtype = str(x.dtype).removeprefix("torch.")
    before, strides = x._version, x.stride()
    assert arrayinit.normal_(x, 0.5, 0.3, rng=5) is x
    assert x._version > before
    assert (x.is_leaf, x.grad_fn, x.stride()) == (True, None, strides)
    values = x.detach().resolve_conj().resolve_neg().numpy()
    same_bits(values, arrayinit.normal_(np.empty(x.shape, dtype), 0.5, 0.3, rng=5), dtype)


@pytest.mark.usefixtures("on_gpu")
@pytest.mark.parametrize(
    "name",
    ["kaiming_uniform_", "sparse_", "sparse_(sparsity=0.8, std=0.5)", "trunc_normal_(a=2.0, b=3.0)"],
)
def test_a_function_has_the_bits_of_numpy(name: str) -> None:
    draw = DRAWS[name].at((30, 21))
    same_bits(draw.fill(torch.empty(draw.shape)).numpy(), draw.fill(np.empty(draw.shape, np.float32)), "float32")


@pytest.mark.usefixtures("on_gpu")
def test_a_layout_is_filled_in_its_order() -> None:
    x = torch.empty(3, 4, 5, 6)
    arrayinit.xavier_normal_(x, layout="...IO", rng=3)
    expected = arrayinit.xavier_normal_(np.empty(x.shape, np.float32), layout="...IO", rng=3)
    same_bits(x.numpy(), expected, "float32")


@pytest.mark.usefixtures("on_gpu")
@pytest.mark.parametrize("name", ["normal_", "sparse_"])
def test_transforms_of_functions_fill_as_the_functions_do(name: str) -> None:
    draw = DRAWS[name].at((12, 10))
    expected = torch.from_numpy(draw.fill(np.empty(draw.shape, np.float32)))
    x = torch.vmap(draw.fill)(torch.empty(3, 12, 10))
    assert all(torch.equal(part, expected) for part in x)
    torch.func.grad(lambda x: draw.fill(x.clone()).sum())(y := torch.empty(12, 10))
    torch.func.grad(lambda w: (draw.fill(y) * w).sum())(torch.empty(12, 10))
    assert torch.equal(y, expected)


def test_triton_is_not_used_where_there_is_no_gpu() -> None:
    with pytest.raises(RuntimeError):
        torch_triton.check(0)
    torch_operator._on_gpu.cache_clear()
    assert torch_operator._on_gpu(0) is None


def test_triton_is_not_imported_for_a_tensor_of_the_cpu() -> None:
    code = "import sys, torch, arrayinit; arrayinit.normal_(torch.empty(3), rng=0); sys.exit('triton' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
