"""What Triton's compiler makes of the kernels for a GPU: only operations that IEEE 754 rounds in one way."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import pytest
from places import TESTS

# In a process of its own, since in the one of the tests Triton may be there to interpret.
SCRIPT = TESTS / "ptx.py"

# Ops says how it is rounded; ".ftz" would flush subnormal numbers, and what is approximate says so.
ROUNDED = re.compile(r"(add|sub|mul|div|sqrt)\.rn\.f(32|64)|cvt\.rn\.(f16\.f32|f(32|64)\.[su](32|64))")
EXACT = re.compile(r"(setp\.\w+|selp|min|neg|abs|copysign|mov)\.f(32|64)")
FLOATS = re.compile(r"\.f(16|16x2|32|64)\b|\bfma|approx|full|ftz|\bex2|\blg2|\brcp")


def faults(instructions: Mapping[str, int]) -> list[str]:
    """Return what may be rounded in more than one way."""
    floats = [name for name in instructions if FLOATS.search(name)]
    return [name for name in floats if not ROUNDED.fullmatch(name) and not EXACT.fullmatch(name)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if not find_spec("triton") or not find_spec("torch"):
        pytest.skip("triton is not installed")
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    # What was compiled before is not asked for.
    environment["TRITON_CACHE_DIR"] = str(tmp_path_factory.mktemp("triton"))
    done = subprocess.run([sys.executable, str(SCRIPT)], env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


@pytest.fixture
def kernels(made: dict[str, Any]) -> dict[str, dict[str, int]]:
    """How many there are of each instruction."""
    return made["instructions"]


def test_every_operation_is_rounded_as_ieee_754_has_it(kernels: dict[str, dict[str, int]]) -> None:
    assert len(kernels) > 30
    assert {name: wrong for name, instructions in kernels.items() if (wrong := faults(instructions))} == {}


def test_the_operations_are_those_of_the_maths(kernels: dict[str, dict[str, int]]) -> None:
    for dtype, size, quotient in (("float32", 32, "fraction"), ("float64", 64, "div.rn.f64")):
        normal = kernels[f"normal {dtype}"]
        assert {"mul.hi.u64", quotient, *(f"{name}.rn.f{size}" for name in ("add", "mul", "sqrt"))} <= set(normal)


def test_each_fraction_of_a_normal_is_a_short_division(made: dict[str, Any]) -> None:
    normal = made["instructions"]["normal float32"]
    # A thread has eight elements.
    assert (made["fractions"], normal["fraction"], "div.rn.f32" in normal) == (11, 88, False)


def test_another_quotient_is_not_taken_for_a_proved_one(made: dict[str, Any]) -> None:
    found = made["another quotient"]
    assert "fraction" not in found
    assert set(faults(found)) == {"rcp.approx.ftz.f32", "fma.rn.f32"}


def test_neither_numbers_nor_sizes_are_compiled_in(made: dict[str, Any]) -> None:
    assert made["times_compiled"] == 1


@pytest.mark.parametrize(
    "wrong",
    ["fma.rn.f32", "div.full.f32", "div.rn.ftz.f32", "sqrt.approx.f32", "add.f64", "ex2.approx.ftz.f32", "fma.rn.f64"],
)
def test_that_check_fails_for_what_is_rounded_otherwise(wrong: str) -> None:
    assert faults({"add.rn.f32": 1, wrong: 1}) == [wrong]
    assert faults({"add.rn.f32": 1, "cvt.rn.f32.s32": 1, "st.global.b32": 1}) == []
