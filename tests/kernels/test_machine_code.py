"""The machine code of sm_90 that NVRTC makes of the CUDA kernels: the host's bits, and what they cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from struct import pack
from typing import NamedTuple

import machine_code
import numpy as np
import pytest
from any_box import random_case
from kernels_under_test import KERNELS
from machine_code import case, check
from programs import CASES, REAL
from sass import Choices, Grid, Machine
from sass.traced import Traced

from arrayinit.core.distributions import Disk, Distribution, Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.cuda import launch, pack_key, source
from arrayinit.kernels.cuda_program import factor
from arrayinit.kernels.words import words
from arrayinit.stream.philox import KEYS, WORDS_PER_BLOCK
from arrayinit.stream.program import KEYS_PROGRAM, Recorded, recorded
from arrayinit.stream.seed import Seed

pytestmark = pytest.mark.usefixtures("numpy_library")

NORMAL, UNIFORM, TRUNCATED = Normal(0.0, 0.02), Uniform(-0.3, 0.3), TruncatedNormal(0.0, 1.0, -2.0, 2.0)


class Cost(NamedTuple):
    """The most that a kernel may take: instructions that a warp issues for 32 elements, and registers of a thread."""

    name: str
    distribution: Distribution
    dtype: str
    instructions: float
    registers: int = 40
    """40 registers leave room for 48 warps on a multiprocessor, three quarters of all."""


# The kinds of truncations, and draws of one kind of which more and more lie in the tail, up to all.
TRUNCATIONS = {
    **{
        name: (REAL[name], most)
        for name, most in (
            ("central, even", 80),
            ("central", 84),
            ("central, one-sided", 91),
            ("tail", 101),
            ("tail, mirrored", 101),
            ("tail, use_series", 89),
            # Two logarithms take 46 of these, and the words with the stores 27.
            ("extreme", 113),
            ("extreme, mirrored", 113),
            ("extreme, use_series", 102),
            ("narrow", 44),
        )
    },
    **{
        f"below {high}": (TruncatedNormal(0.0, 1.0, -np.inf, high), most)
        for high, most in (
            (0.0, 88),
            (-1.0, 97),
            (-1.5, 117),
            (-1.9, 153),
        )
    },
}
COSTS = [
    Cost("normal", NORMAL, "float32", 75),
    Cost("normal", NORMAL, "bfloat16", 75),
    Cost("normal", NORMAL, "float16", 75),
    Cost("normal", NORMAL, "float64", 300, 64),
    Cost("uniform", UNIFORM, "float32", 34),
    *(Cost(name, distribution, "float32", most) for name, (distribution, most) in TRUNCATIONS.items()),
    Cost("normal", NORMAL, "float8_e5m2", 88),
    # Two words for a number.
    Cost("normal", NORMAL, "complex64", 147),
    Cost("disk", Disk(0.0, 1.5), "complex64", 98),
]

# Each function of the stream, in both precisions, and what stores results in another way.
TRACED = {
    "float32": ("uniform", "normal", "central", "tail", "tail, use_series, mirrored", "extreme", "narrow"),
    "float64": ("normal", "tail"),
    "bfloat16": ("normal",),
    "complex64": ("disk", "truncated"),
}


@pytest.mark.parametrize("dtype", FORMATS)
def test_every_distribution_has_the_bits_of_the_host(dtype: str) -> None:
    for name, distribution, _ in machine_code.chosen([dtype]):
        check(case(distribution, dtype, (5, 411)), message=name)


def test_any_box() -> None:
    kernel = replace(KERNELS["CUDA"], has_zeros=False, narrow_names=machine_code.OF_NARROW)
    rng = Random(0)
    for dtype in (*FORMATS, *["float32"] * 20):
        given = random_case(replace(kernel, dtypes=(dtype,)), rng)
        check(given, message=str(given))


def test_the_keys_of_sparse_have_the_bits_of_the_host() -> None:
    text, key, keys = source(KEYS_PROGRAM, "uint32"), Seed((5,)).key(), np.empty((7, 310), np.uint32)
    fitted = launch(Recorded(KEYS_PROGRAM, ()), keys.shape, keys.strides, (40, 310), (11, 0))
    structs = pack_key(key), fitted.box, fitted.numbers
    machine_code.compiled([text])[text].launch(Grid(fitted.grid, machine_code.THREADS), keys, structs)
    np.testing.assert_array_equal(keys.ravel(), words(key, KEYS, 11 * 310, keys.size, "uint32"))


def test_the_formats_of_16_and_8_bits_take_the_steps_of_float32() -> None:
    wide = {recorded(distribution, FORMATS["float32"]).program for distribution in REAL.values()}
    narrow = [case for case in CASES if FORMATS[case[2]].is_narrow]
    assert {recorded(distribution, FORMATS[dtype]).program for _, distribution, dtype in narrow} <= wide


@pytest.mark.parametrize("distribution", [NORMAL, TRUNCATED], ids=["normal", "truncated"])
@pytest.mark.parametrize(
    "choices",
    [
        Choices(reciprocal="down"),
        Choices(reciprocal="up"),
        Choices(always_checked=True),
        Choices(one_by_one="first"),
        Choices(one_by_one="last"),
    ],
    ids=lambda choices: "-".join(map(str, choices)),
)
def test_what_the_documents_leave_open_changes_no_bit(distribution: Distribution, choices: Choices) -> None:
    check(case(distribution, "float32", (2500,)), choices)


@pytest.mark.parametrize("cost", COSTS, ids=lambda cost: f"{cost.name} {cost.dtype}")
def test_a_kernel_costs_no_more_than_it_may(cost: Cost) -> None:
    # All threads of these blocks have elements: the launch has one more.
    blocks, per_block = 8, machine_code.THREADS * WORDS_PER_BLOCK[FORMATS[cost.dtype].word]
    given = case(cost.distribution, cost.dtype, (blocks * per_block + 1,))
    machines: list[Machine] = []
    given.filled(lambda *box: machines.append(machine_code.run(*box, blocks=blocks)))
    issued = machines[0].issued.total() / (blocks * per_block / 32)
    # A kernel that does nothing costs little, too; the words alone take 20 products.
    assert 20 < issued <= cost.instructions
    assert machine_code.kernel_of(given.draw).cubin.registers <= cost.registers


@pytest.mark.parametrize("dtype", TRACED)
def test_inexact_values_stay_within_exact_chains(dtype: str) -> None:
    for name, distribution, _ in machine_code.chosen([dtype]):
        if name not in TRACED[dtype]:
            continue
        # Rows of whole axes and of parts, with steps between the elements, for whose places integers are divided.
        boxes = [case(distribution, dtype, (2,) * 6, before, 2) for before in (0, 1)]
        machines = [check(box, kind=Traced) for box in (case(distribution, dtype, (2000,)), *boxes)]
        assert set().union(*(machine.faults for machine in machines)) == set(), name
        assert set.intersection(*(machine.never_run() for machine in machines)) == set(), name


def test_what_the_first_day_measures_is_in_its_kernels() -> None:
    machine_code.need_compiler()
    from first_day.arithmetic import QUOTIENT, RECIPROCAL, ROOT
    from first_day.pipes import PIPES

    made = machine_code.compiled([*PIPES.values(), RECIPROCAL, ROOT, QUOTIENT])
    for name, text in PIPES.items():
        # The loop, and the few that come before and after it.
        found = Counter(".".join(i.opcode.split(".")[: name.count(".") + 1]) for i in made[text].code.values())
        assert 128 <= found[name] <= 140, name
        assert found["IADD3"] < 16
    x = np.arange(0x41000000, 0x41000000 + 64 * machine_code.THREADS, 64, np.uint32).view(np.float32)
    w = np.float32(1.58814)
    for text, expected in ((ROOT, np.sqrt(x)), (QUOTIENT, w / x)):
        out = np.zeros(x.size, np.float32)
        structs = pack("<3Q", 0x41000000, 64, x.size), pack("<2f", w, factor(w)), bytes(4)
        made[text].launch(Grid(1, machine_code.THREADS), out, structs)
        np.testing.assert_array_equal(out, expected)
