"""Torch on a GPU: the bits of the host from kernels that wait for nothing.

`test_torch_nvrtc.py` and `test_triton.py` do without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from boxes import STORED, whole
from cases import DRAWS
from libraries import Library
from portable_calls import reference, same_bits
from programs import CASES, IDS

import arrayinit
from arrayinit.core.distributions import Distribution, Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels import draw as draws
from arrayinit.stream.program import recorded
from arrayinit.stream.seed import Seed, seed_of

pytestmark = pytest.mark.parametrize("library", ["torch:cuda"], indirect=True)

KERNELS = pytest.mark.parametrize("kernels", ["arrayinit.kernels._cuda_torch", "arrayinit.kernels._triton_launch"])

SEEDED = [
    "normal_",
    "uniform_",
    "trunc_normal_(a=2.0, b=3.0)",
    "sparse_",
    "sparse_(sparsity=0.8, std=0.5)",
]


@contextmanager
def waiting_is_an_error() -> Iterator[None]:
    import torch

    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


@KERNELS
@pytest.mark.parametrize(("_", "distribution", "dtype"), CASES, ids=IDS)
def test_each_way_of_drawing_has_the_bits_of_the_host(
    _: str, distribution: Distribution, dtype: str, kernels: str, library: Library
) -> None:
    draw = draws.Draw(distribution, seed_of(5), FORMATS[dtype], (1_000_003,), (0,))
    x = library.empty(draw.shape, dtype)
    import_module(kernels).fill_device(x, draw)
    same_bits(library.to_numpy(x), _numbers(whole(draw), dtype), dtype)


def _numbers(host: np.ndarray, dtype: str) -> np.ndarray:
    return (host.astype(np.uint32) << 16).view(np.float32).astype(np.float64) if dtype in STORED else host


@KERNELS
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "complex128"])
def test_a_box_in_any_memory_is_that_part_of_the_whole(dtype: str, kernels: str, library: Library) -> None:
    distribution = Normal(0.5, 2.0)
    rng = np.random.default_rng(0)
    for _ in range(100):
        shape = tuple(rng.integers(1, 24, rng.integers(1, 6)).tolist())
        order = tuple(rng.permutation(len(shape)).tolist())
        draw = draws.Draw(distribution, seed_of(3), FORMATS[dtype], shape, order)
        box = tuple(slice(*sorted(rng.integers(0, n + 1, 2).tolist())) for n in shape)
        turned = [box[k] for k in draw.inverse]
        across = library.full(tuple(2 * shape[k] + 1 for k in draw.inverse), dtype, 7.0)
        part = across[tuple(slice(2 * side.start + 1, 2 * side.stop + 1, 2) for side in turned)]
        import_module(kernels).fill_device(part, draw, [side.start for side in turned])
        same_bits(library.to_numpy(part).transpose(order), _numbers(whole(draw), dtype)[box], dtype)
        part.fill_(7)
        assert (across == 7).all()


@pytest.mark.parametrize("name", SEEDED)
def test_a_seed_is_drawn_without_the_host(name: str, library: Library) -> None:
    from arrayinit.backends._torch import custom_op as torch_operator

    x = library.empty(DRAWS[name].shape, "float32")
    assert torch_operator._kernels(x) is not None
    # The check of the first fill is done by a later one: nothing may wait.
    with waiting_is_an_error():
        DRAWS[name].fill(x)
    same_bits(library.to_numpy(x), reference(DRAWS[name], "float32"), "float32")


NATIVE: dict[str, Callable[[Any], Any]] = {
    "sparse_, most": lambda x: arrayinit.sparse_(x, 0.9),
    "sparse_, few": lambda x: arrayinit.sparse_(x, 0.1),
    "dirac_": lambda x: arrayinit.dirac_(x.view(64, 16, 2, 2)),
    "eye_": arrayinit.eye_,
    **{
        f"trunc_normal_{bounds}": lambda x, bounds=bounds: arrayinit.trunc_normal_(x, 0.0, 1.0, *bounds)
        for bounds in ((-2.0, 2.0), (2.0, 3.0), (-40.0, -39.0), (-1e-6, 1e-6))
    },
}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", NATIVE)
def test_torch_s_own_generator_needs_no_host_either(name: str, dtype: str, library: Library) -> None:
    x = library.empty((64, 64), dtype)
    with waiting_is_an_error():
        NATIVE[name](x)
    assert np.isfinite(library.to_numpy(x).astype(np.float64)).all()


@pytest.mark.parametrize("name", SEEDED)
def test_the_draw_is_queued_on_the_stream_of_the_caller(name: str, library: Library) -> None:
    import torch

    draw = DRAWS[name]
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        x = library.empty(draw.shape, "float32")
        # What is to be compiled, or to be allocated, is.
        draw.fill(x, 1)
        stream.synchronize()
        torch.cuda._sleep(2_000_000_000)
        draw.fill(x, 5)
        assert not stream.query()
        stream.synchronize()
        same_bits(library.to_numpy(x), reference(draw, "float32"), "float32")


def test_each_device_has_its_own_kernels(library: Library) -> None:
    import torch

    if torch.cuda.device_count() < 2:
        pytest.skip("there is one GPU")
    for number in (1, 0, 1):
        for name in SEEDED:
            x = torch.empty(DRAWS[name].shape, device=f"cuda:{number}")
            with torch.cuda.device(1 - number):
                DRAWS[name].fill(x)
            same_bits(library.to_numpy(x), reference(DRAWS[name], "float32"), "float32")


def test_nothing_is_compiled_twice(library: Library) -> None:
    from arrayinit.kernels import _cuda_torch, _triton, _triton_launch

    program = recorded(Normal(0.0, 1.0), FORMATS["float32"]).program
    for kernels in (_cuda_torch, _triton_launch):
        _cuda_torch._function.cache_clear()
        for std in (1.0, 0.02):
            for size in (1, 2, 16, 1000, 1 << 20, (1 << 20) + 16):
                draw = draws.Draw(Normal(0.0, std), Seed((size, 2**40)), FORMATS["float32"], (size,), (0,))
                kernels.fill_device(library.empty((size,), "float32"), draw)
        assert _cuda_torch._function.cache_info().currsize == (kernels is _cuda_torch)
    compiled = _triton.kernel(program, "float32", 1, one_run=True)
    assert {len(kernels) for kernels, *_ in compiled.device_caches.values()} == {1}


def test_a_compiled_function_draws_the_same(library: Library) -> None:
    import torch

    draw = DRAWS["normal_"]
    x = torch.compile(draw.fill, fullgraph=True)(library.empty(draw.shape, "float32"))
    same_bits(library.to_numpy(x), reference(draw, "float32"), "float32")


def test_more_elements_than_32_bits_count(library: Library) -> None:
    import torch

    size = 2**32 + 1003
    if torch.cuda.mem_get_info()[0] < 3 * size:
        pytest.skip("the GPU has no room for 9 GB")
    x = arrayinit.normal_(library.empty((size,), "float16"), rng=5)
    box = np.empty(1000, "float16")
    draws.Draw(Normal(0.0, 1.0), Seed((5,)), FORMATS["float16"], (size,), (0,)).fill_box(box, [size - 1000])
    same_bits(library.to_numpy(x[-1000:]), box, "float16")


def test_a_captured_graph_draws_the_same(library: Library) -> None:
    import torch

    draw = DRAWS["normal_"]
    x = library.empty(draw.shape, "float32")
    # What is to be compiled or loaded is, before the capture.
    draw.fill(x, 1)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        draw.fill(x, 5)
    x.zero_()
    graph.replay()
    same_bits(library.to_numpy(x), reference(draw, "float32"), "float32")


@pytest.mark.parametrize("distribution", [Normal(0.0, 1.0), Normal(0.5, 2.0)])
def test_the_check_at_the_first_use_finds_the_bits_of_the_host(distribution: Normal, library: Library) -> None:
    from arrayinit.backends import first_use

    first_use._answers.clear()
    arrayinit.normal_(library.empty((3,), "float32"), *distribution, rng=1)
    assert list(first_use._answers.values()) == [True]
