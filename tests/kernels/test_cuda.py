"""What only CUDA's kernels have: one source for all parameters, and, where nvcc is found, what it makes of them."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from cuda_on_host import KEYS, Kernels, kernels, numbered
from programs import CASES, REAL, replayed
from programs import words as draw_words

from arrayinit.core.distributions import Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.cuda import launch, source
from arrayinit.kernels.cuda_steps import cuda_steps
from arrayinit.kernels.cuda_text import ARITHMETIC, COMMON
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.words import words
from arrayinit.stream.program import Recorded, recorded
from arrayinit.stream.seed import Seed

pytestmark = pytest.mark.usefixtures("numpy_library")

SEED = Seed((5,))


def run(draw: Recorded, dtype: str, box: np.ndarray, shape: tuple[int, ...], corner: tuple[int, ...]) -> None:
    fitted = launch(draw, box.shape, box.strides, shape, corner)
    kernels().run(source(draw.program, dtype), box, SEED.key(), fitted)


def test_as_many_axes_as_cupy_has() -> None:
    distribution = TruncatedNormal(0.0, 1.0, -1.0, 2.0)
    for box, shape, corner in (
        # No two of these axes run on, but for those of one element.
        (np.full((1,) * 18 + (2,) * 14, 7, np.float32).T, (2,) * 14 + (1,) * 18, (0,) * 32),
        # None of these is whole.
        (np.full((1,) * 32, 7, np.float32), (2,) * 32, (1,) * 32),
    ):
        expected = np.empty(box.shape, np.float32)
        Draw(distribution, SEED, FORMATS["float32"], shape, tuple(range(32))).fill_box(expected, corner)
        run(cuda_steps(distribution, FORMATS["float32"]), "float32", box, shape, corner)
        np.testing.assert_array_equal(box, expected)


def test_the_words_themselves() -> None:
    keys = np.empty((7, 31), np.uint32)
    run(KEYS, "uint32", keys, (40, 31), (11, 0))
    np.testing.assert_array_equal(keys.ravel(), words(SEED.key(), 2, 11 * 31, keys.size, "uint32"))


def test_there_is_one_kernel_whatever_the_parameters() -> None:
    form = FORMATS["float32"]
    kernels_of = {source(cuda_steps(Normal(0.0, std), form).program, "float32") for std in (1.0, 0.02, 3e7)}
    assert len(kernels_of) == 1


BARRIER = "__syncthreads();"
ZEROS = [
    *(
        TruncatedNormal(mean, 1.0, *limits)
        for mean in (0.0, -0.0, -1.0)
        for limits in (
            (0.0, math.inf),
            (-0.0, 2.0),
            (-2.0, 0.0),
            (-2.0, -0.0),
        )
    ),
    *(Uniform(*limits) for limits in ((0.0, 1.0), (-0.0, 1.0), (-1.0, 0.0), (-1.0, -0.0))),
]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_fewer_instructions_change_no_bit_and_no_sign_of_a_zero(dtype: str) -> None:
    form = FORMATS[dtype]
    shorter, given = 0, draw_words(form)
    for law in [*ZEROS, *(law for _, law, its_dtype in CASES if its_dtype == dtype)]:
        draw, ours = recorded(law, form), cuda_steps(law, form)
        shorter += ours.program is not draw.program
        with np.errstate(all="ignore"):
            (expected,), (made,) = replayed(draw, given), replayed(ours, given)
        assert made.tobytes() == expected.tobytes(), law
    assert shorter > 20


PARTS = source(cuda_steps(Normal(0.0, 1.0), FORMATS["complex64"]).program, "complex64")
"""The kernel with the most barriers: three for each part of a complex number."""


def without(text: str, count: int) -> str:
    """Return a kernel that lacks one of its barriers."""
    before, after = text.split(BARRIER)[: count + 1], text.split(BARRIER)[count + 1 :]
    return f"{BARRIER.join(before)}{BARRIER.join(after)}"


def test_each_barrier_is_needed() -> None:
    count = PARTS.count(BARRIER)
    mutants = [without(PARTS, k) for k in range(count)]
    host, made = Kernels([PARTS, *mutants]), []
    law = cuda_steps(Normal(0.0, 1.0), FORMATS["complex64"])
    for text in (PARTS, *mutants):
        box = np.zeros(20_000, np.complex64)
        host.run(text, box, SEED.key(), launch(law, box.shape, box.strides, box.shape, (0,)))
        made.append(box.tobytes())
    assert (count, len(made)) == (6, 7)
    assert made[0] not in made[1:]


def test_a_thread_that_ends_before_a_barrier_is_noticed() -> None:
    mutant = PARTS.replace(BARRIER, f"if (threadIdx.x == 77) return; {BARRIER}")
    host, box = Kernels([mutant]), np.zeros(100, np.complex64)
    fitted = launch(cuda_steps(Normal(0.0, 1.0), FORMATS["complex64"]), box.shape, box.strides, box.shape, (0,))
    with pytest.raises(AssertionError, match="a thread has ended"):
        host.run(mutant, box, SEED.key(), fitted)


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What nvcc makes of all kernels, told to be as quick and as careless as it can.

    Those of 16 bits are those of float32 but for the rounding, of which one is enough.
    """
    cases = [case for case in CASES if not FORMATS[case[2]].is_narrow or case[0] == "normal"]
    texts = dict.fromkeys(
        source(cuda_steps(distribution, FORMATS[dtype]).program, dtype) for _, distribution, dtype in cases
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
    (add | sub | mul | div | sqrt | fma) \.rn \.f(32 | 64)
    | (setp\.lt | mov | selp | neg) \.f(32 | 64)
    | (min | max) \.f32
    | (ld | st) \.\w+ (\.v\d)? \.f(32 | 64)
    | cvt\.rn \.(f32\.[su]32 | f64\.[su]64 | f16x2\.f32 | bf16x2\.f32)
"""


def inexact(text: str) -> set[str]:
    """Return the instructions on floats that are not rounded once and rightly, or that know no small numbers."""
    found = set(re.findall(r"^[\t ]+(?:@\S+ )?\{?([a-z][\w.]*\.f(?:16|32|64)[\w.]*)", text, re.MULTILINE))
    return {name for name in found if not re.fullmatch(EXACT, name)}


@NVCC
def test_no_compiler_makes_the_arithmetic_inexact(assembly: str) -> None:
    assert inexact(assembly) == {"rcp.approx.ftz.f32"}
    made = Counter(re.findall(r"^[\t ]+(\w+\.rn\.f\d\d) ", assembly, re.MULTILINE))
    assert all(made[f"{name}.rn.f{size}"] for name in ("add", "sub", "mul", "div", "sqrt") for size in (32, 64))


@NVCC
@pytest.mark.parametrize("name", ["normal", "central", "tail", "extreme", "uniform"])
def test_only_fractions_and_offsets_are_fused(name: str, tmp_path: Path) -> None:
    program = cuda_steps(REAL[name], FORMATS["float32"]).program
    steps = program.steps
    fused = reciprocals = 0
    for step in steps:
        # A loop over the elements of a thread is unrolled, the loop over the queue is not.
        times = 8 if step.guard is None else 1
        if step.name == "fraction":
            reciprocals += times
            fused += 2 * times
        elif step.name == "multiply":
            (k, *_), power = steps[step.operands[0]].operands, steps[step.operands[1]]
            # (k + 1/2) 2^-32
            fused += times * (power.name == "constant" and power.value == 2.0**-32 and steps[k].name == "convert")
    made = Counter(re.findall(r"\b(fma|rcp)\.", compiled(tmp_path, source(program, "float32"))))
    assert (made["fma"], made["rcp"]) == (fused, reciprocals)


@NVCC
def test_that_check_fails_for_operators(tmp_path: Path) -> None:
    text = 'extern "C" __global__ void draw(float* x) { *x = *x / 3.5f + sqrtf(*x) * x[1]; }'
    assert inexact(compiled(tmp_path, text)) == {"div.approx.ftz.f32", "sqrt.approx.ftz.f32", "fma.rn.ftz.f32"}
