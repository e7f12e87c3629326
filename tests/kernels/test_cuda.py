"""CUDA's kernels without a GPU: the host runs their source, and where nvcc is found, what it makes of them is read."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cuda_on_host import KEYS, kernels, numbered
from programs import CASES, IDS

from arrayinit.core.distributions import Disk, Distribution, Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.cuda import launch, source
from arrayinit.kernels.cuda_text import ARITHMETIC, COMMON
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.words import words
from arrayinit.stream.program import Recorded, recorded
from arrayinit.stream.seed import Seed

pytestmark = pytest.mark.usefixtures("numpy_library")

SEED = Seed((5,))


def run(draw: Recorded, dtype: str, box: np.ndarray, shape: tuple[int, ...], corner: tuple[int, ...]) -> None:
    fitted = launch(draw, SEED.key(), box.shape, box.strides, shape, corner)
    kernels().run(source(draw.program, dtype), box, fitted)


def same(
    distribution: Distribution, dtype: str, box: np.ndarray, shape: tuple[int, ...], corner: tuple[int, ...]
) -> None:
    """Fill a box by the kernel and by the host, in memory of the same strides, and compare all of it."""
    memory = box if box.base is None else box.base
    form = FORMATS[dtype]
    run(recorded(distribution, form), dtype, box, shape, corner)
    ours = memory.tobytes()
    memory[...] = 7
    with np.errstate(all="ignore"):
        Draw(distribution, SEED, form, shape, tuple(range(box.ndim))).fill_box(box, corner)
    assert ours == memory.tobytes()


def stored(dtype: str) -> str:
    return "uint16" if dtype == "bfloat16" else dtype


@pytest.mark.parametrize(("name", "distribution", "dtype"), CASES, ids=IDS)
def test_every_draw_has_the_bits_of_the_host(name: str, distribution: Distribution, dtype: str) -> None:
    same(distribution, dtype, np.full((37, 211), 7, stored(dtype)), (37, 211), (0, 0))


# Of every size of an element.
SIZES = {
    "float16": Normal(0.0, 1.0),
    "float32": TruncatedNormal(0.0, 1.0, -1.0, 2.0),
    "float64": Uniform(-0.3, 0.7),
    "complex64": Normal(0.5, 1.0),
    "complex128": Disk(0.0, 1.0),
}
every_size = pytest.mark.parametrize("dtype", SIZES)


def layouts(shape: tuple[int, ...], dtype: str) -> Iterator[np.ndarray]:
    """Yield boxes of this shape that lie in memory in every way."""
    axes = range(len(shape))
    yield np.full(shape, 7, dtype)
    yield np.full(shape[::-1], 7, dtype).T
    yield np.full([shape[k] for k in np.roll(axes, 1)], 7, dtype).transpose(np.roll(axes, -1))
    yield np.full([2 * n + 1 for n in shape], 7, dtype)[tuple(slice(1, None, 2) for _ in shape)]
    yield np.full([2 * n for n in shape], 7, dtype)[tuple(slice(None, None, -2) for _ in shape)]
    # Where no number of 16 bytes begins.
    yield np.full((*shape[:-1], shape[-1] + 1), 7, dtype)[..., 1:]


WHOLE = ((), (1,), (7,), (8,), (9,), (64,), (1000,), (2, 3, 1, 5, 7), (33, 16))


@every_size
@pytest.mark.parametrize("shape", WHOLE, ids=lambda shape: "x".join(map(str, shape)) or "scalar")
def test_whole_arrays_in_any_memory(shape: tuple[int, ...], dtype: str) -> None:
    for box in layouts(shape, dtype) if shape else [np.full((), 7, dtype)]:
        same(SIZES[dtype], dtype, box, shape, (0,) * len(shape))


def test_as_many_axes_as_cupy_has() -> None:
    # No two of them run on, but for those of one element.
    shape = (2,) * 14 + (1,) * 18
    same(SIZES["float32"], "float32", np.full(shape[::-1], 7, np.float32).T, shape, (0,) * 32)
    # None of which is whole.
    same(SIZES["float32"], "float32", np.full((1,) * 32, 7, np.float32), (2,) * 32, (1,) * 32)


# A logical array, where a box of it begins, and its sizes.
BOXES = {
    "a run": ((1000,), (13,), (101,)),
    "rows": ((50, 40), (7, 0), (11, 40)),
    "columns": ((50, 40), (0, 13), (50, 5)),
    "one column": ((50, 40), (0, 39), (50, 1)),
    "in the middle": ((9, 8, 7, 6), (2, 3, 1, 2), (4, 2, 5, 3)),
    "whole inner axes": ((9, 8, 7, 6), (2, 3, 0, 0), (4, 2, 7, 6)),
    "whole outer axes": ((9, 8, 7, 6), (0, 0, 1, 2), (9, 8, 5, 3)),
    "one element": ((9, 8, 7), (8, 7, 6), (1, 1, 1)),
    "beyond 2^32": ((1 << 20, 1 << 20, 37), (1 << 19, (1 << 20) - 3, 30), (3, 3, 7)),
    "up to 2^63": ((1 << 31, 1 << 32), ((1 << 31) - 2, (1 << 32) - 9), (2, 9)),
}


@every_size
@pytest.mark.parametrize("name", BOXES)
def test_boxes_in_any_memory(name: str, dtype: str) -> None:
    shape, corner, sizes = BOXES[name]
    for box in layouts(sizes, dtype):
        same(SIZES[dtype], dtype, box, shape, corner)


def test_the_words_themselves() -> None:
    keys = np.empty((7, 31), np.uint32)
    run(KEYS, "uint32", keys, (40, 31), (11, 0))
    np.testing.assert_array_equal(keys.ravel(), words(SEED.key(), 2, 11 * 31, keys.size, "uint32"))


def test_there_is_one_kernel_whatever_the_parameters() -> None:
    form = FORMATS["float32"]
    kernels_of = {source(recorded(Normal(0.0, std), form).program, "float32") for std in (1.0, 0.02, 3e7)}
    assert len(kernels_of) == 1


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What nvcc makes of all kernels, told to be as quick and as careless as it can.

    Those of 16 bits are those of float32 but for the rounding, of which one is enough.
    """
    cases = [case for case in CASES if not FORMATS[case[2]].is_narrow or case[0] == "normal"]
    texts = dict.fromkeys(
        source(recorded(distribution, FORMATS[dtype]).program, dtype) for _, distribution, dtype in cases
    )
    own = (f"namespace k{n} {{{numbered(text, n)}}}" for n, text in enumerate(texts))
    return compiled(tmp_path_factory.mktemp("nvcc"), "\n".join([ARITHMETIC, COMMON, *own]))


def compiled(folder: Path, text: str) -> str:
    if not shutil.which("nvcc"):
        pytest.skip("there is no nvcc to compile for a GPU")
    (folder / "kernels.cu").write_text(text)
    options = ["-std=c++17", "-arch=sm_80", "--use_fast_math", "-w", "-ptx", "-o", "kernels.ptx"]
    subprocess.run(["nvcc", *options, "kernels.cu"], cwd=folder, check=True)
    return (folder / "kernels.ptx").read_text()


NVCC = pytest.mark.gpu(reason="nvcc is installed with CUDA")

EXACT = r"""(?x)
    (add | sub | mul | div | sqrt) \.rn \.f(32 | 64)
    | (setp\.lt | mov | selp) \.f(32 | 64)
    | (ld | st) \.\w+ (\.v\d)? \.f(32 | 64)
    | cvt\.rn \.(f32\.[su]32 | f64\.[su]64 | f16\.f32)
"""


def inexact(text: str) -> set[str]:
    """Return the instructions on floats that are not rounded once and rightly, or that know no small numbers."""
    found = set(re.findall(r"^[\t ]+(?:@\S+ )?\{?([a-z][\w.]*\.f(?:16|32|64)[\w.]*)", text, re.MULTILINE))
    return {name for name in found if not re.fullmatch(EXACT, name)}


@NVCC
def test_no_compiler_makes_the_arithmetic_inexact(assembly: str) -> None:
    assert inexact(assembly) == set()
    made = Counter(re.findall(r"^[\t ]+(\w+\.rn\.f\d\d) ", assembly, re.MULTILINE))
    assert all(made[f"{name}.rn.f{size}"] for name in ("add", "sub", "mul", "div", "sqrt") for size in (32, 64))


@NVCC
def test_that_check_fails_for_operators(tmp_path: Path) -> None:
    text = 'extern "C" __global__ void draw(float* x) { *x = *x / 3.5f + sqrtf(*x) * x[1]; }'
    assert inexact(compiled(tmp_path, text)) == {"div.approx.ftz.f32", "sqrt.approx.ftz.f32", "fma.rn.ftz.f32"}
