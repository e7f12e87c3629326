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
from boxes import STORED, whole
from cases import DRAWS
from portable_calls import same_bits
from programs import CASES, IDS

import arrayinit
from arrayinit.core.distributions import Normal, TruncatedNormal, Uniform
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

    from arrayinit.backends._torch import custom_op as torch_operator
    from arrayinit.kernels import _triton as source
    from arrayinit.kernels import _triton_launch as torch_triton


def memory(x: Any) -> np.ndarray:
    """Return what NumPy sees in the memory of a tensor; bfloat16 as its bits."""
    return (x.view(torch.uint16) if x.dtype == torch.bfloat16 else x).numpy()


def stored(draw: Draw) -> str:
    return STORED.get(draw.dtype.name, draw.dtype.name)


def bytes_of(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x).view(np.uint8)


@pytest.mark.parametrize(("_", "distribution", "dtype"), CASES, ids=IDS)
def test_each_way_of_drawing_has_the_bits_of_the_host(_: str, distribution: Any, dtype: str) -> None:
    # Three instances of the kernel, the last one filled in part.
    draw = Draw(distribution, seed_of(5), FORMATS[dtype], (2 * 1024 + 13,), (0,))
    x = torch.full(draw.shape, 7, dtype=getattr(torch, dtype))
    torch_triton.fill(x, draw)
    np.testing.assert_array_equal(bytes_of(memory(x)), bytes_of(whole(draw)))


def random_boxes(count: int) -> list[tuple[Draw, tuple[slice, ...], int]]:
    rng = np.random.default_rng(0)
    laws = (Uniform(-1.0, 2.0), Normal(1.0, 0.5), TruncatedNormal(0.0, 1.0, 1.5, 3.0))
    chosen = []
    for k in range(count):
        shape = tuple(rng.integers(1, 12, rng.integers(0, 6)).tolist())
        form = FORMATS[list(FORMATS)[k % len(FORMATS)]]
        law = laws[rng.integers(2 if form.is_complex else 3)]
        zeros = int(rng.integers(shape[0] + 1)) if len(shape) == 2 else 0
        order = tuple(rng.permutation(len(shape)).tolist())
        box = tuple(slice(*sorted(rng.integers(0, n + 1, 2).tolist())) for n in shape)
        law = law.circular() if form.is_complex else law
        chosen.append((Draw(law, seed_of(int(rng.integers(2**60))), form, shape, order, zeros), box, k))
    return chosen


@pytest.mark.parametrize(("draw", "box", "number"), random_boxes(48))
def test_a_box_in_any_memory_is_that_part_of_the_whole(
    draw: Draw, box: tuple[slice, ...], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_triton, "TILE", 64)
    monkeypatch.setattr(torch_triton, "_HELD", 50)
    # Of some the launches are cut.
    monkeypatch.setattr(torch_triton, "_AT_ONCE", 1 << 30 if number % 3 else 150)
    expected = whole(draw)
    # In an array whose axes are in another order, every second element, and in an array of its own.
    across = torch.full([2 * draw.shape[k] + 1 for k in draw.inverse], 7, dtype=getattr(torch, draw.dtype.name))
    turned = [box[k] for k in draw.inverse]
    part = across[tuple(slice(2 * side.start + 1, 2 * side.stop + 1, 2) for side in turned)]
    own = torch.empty(part.shape, dtype=part.dtype)
    for x in (part, own):
        torch_triton.fill(x, draw, [side.start for side in turned])
        np.testing.assert_array_equal(memory(x).transpose(draw.order), expected[box])
    assert (across == 7).sum() >= across.numel() - part.numel()
    part.fill_(7)
    assert (across == 7).all()


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@pytest.mark.parametrize(
    ("shape", "corner", "size"),
    [
        ((1 << 20, 1 << 20), (8190, 3), (5, 100)),
        ((1 << 11, 1 << 13, 1 << 17), (2000, 8000, 77), (2, 3, 21)),
        ((1 << 50,), ((1 << 50) - 1005,), (1005,)),
        ((1 << 33, 3, 2), ((1 << 33) - 9, 0, 1), (9, 3, 1)),
    ],
)
def test_boxes_far_inside_a_huge_array(
    shape: tuple[int, ...], corner: tuple[int, ...], size: tuple[int, ...], dtype: str
) -> None:
    draw = Draw(Normal(0.0, 1.0), seed_of([3, 4]), FORMATS[dtype], shape, tuple(range(len(shape))))
    expected, x = np.empty(size, dtype), torch.empty(size, dtype=getattr(torch, dtype))
    draw.fill_box(expected, corner)
    torch_triton.fill(x, draw, corner)
    np.testing.assert_array_equal(x.numpy(), expected)


@pytest.mark.parametrize("zeros", [1, 37, 300, 301])
def test_the_smallest_keys_of_each_column_are_cleared(zeros: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = Draw(Normal(0.0, 1.0), seed_of(5), FORMATS["float32"], (301, 11), (0, 1), zeros)
    x, part = torch.empty(draw.shape), torch.empty(120, 4)
    torch_triton.fill(x, draw)
    monkeypatch.setattr(torch_triton, "_HELD", 700)
    torch_triton.fill(part, draw, (100, 3))
    np.testing.assert_array_equal(x.numpy(), whole(draw))
    assert torch.equal(part, x[100:220, 3:7])


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
    torch_triton.fill(x, draw)
    np.testing.assert_array_equal(x.numpy(), whole(draw))


def test_neither_parameters_nor_sizes_make_another_kernel() -> None:
    source.kernel.cache_clear()
    for law in (Normal(0.0, 1.0), Normal(0.0, 0.02)):
        for shape in ((5,), (1 << 12,), (64, 33)):
            torch_triton.fill(
                torch.empty(shape), Draw(law, seed_of(1), FORMATS["float32"], shape, tuple(range(len(shape))))
            )
    assert source.kernel.cache_info().currsize == 1
    # Rows of an array, and axes that do not run on in memory: by powers of two.
    for shape in ((4, 6), (4, 6, 5), (2, 3, 4, 5)):
        x = torch.empty([n + 1 for n in shape])[tuple(slice(n) for n in shape)]
        torch_triton.fill(x, Draw(law, seed_of(1), FORMATS["float32"], shape, tuple(range(len(shape)))))
    assert source.kernel.cache_info().currsize == 3


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the memory of the CPU for that of a GPU."""
    monkeypatch.setattr(torch_operator, "shared", lambda _: None)
    monkeypatch.setattr("arrayinit.backends._torch.backend.is_unseen", lambda _: False)
    monkeypatch.setattr(torch_operator, "_kernels", lambda _: torch_triton)


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
        torch_triton.check()
    assert torch_operator._triton() is None


def test_triton_is_not_imported_for_a_tensor_of_the_cpu() -> None:
    code = "import sys, torch, arrayinit; arrayinit.normal_(torch.empty(3), rng=0); sys.exit('triton' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
