"""Compile the kernels, for which no GPU is needed, and print what became of them as JSON."""

from __future__ import annotations

import json
import re
from collections import Counter

import torch
import triton
from float8 import FLOAT8
from programs import CASES, IDS
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime.jit import JITFunction

from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels._triton import TILE, kernel
from arrayinit.kernels._triton_launch import _KEYS, fill_device
from arrayinit.kernels._triton_rounding import quotient
from arrayinit.kernels.draw import Draw
from arrayinit.stream.program import Program, Step, recorded
from arrayinit.stream.seed import Seed

TARGET = GPUTarget("cuda", 90, 32)

POINTERS = {"float16": "*fp16", "bfloat16": "*i16", "float32": "*fp32", "float64": "*fp64", "int64": "*i64"}
POINTERS |= dict.fromkeys(FLOAT8, "*i8")


def ptx(program: Program, stored: str, rank: int = 1, *, one_run: bool = True) -> dict[str, int]:
    """Return how many there are of each instruction of a kernel; a proved quotient is one, by the name of fraction."""
    compiled = kernel(program, stored, rank, one_run=one_run)
    types = {p.name: p.annotation_type for p in compiled.params} | {"memory": POINTERS[stored], "TILE": "constexpr"}
    # Nothing that is known only when a kernel runs may be compiled into it.
    assert all(p.do_not_specialize or p.name == "TILE" for p in compiled.params)
    assert all(types.values())
    made = triton.compile(
        ASTSource(compiled, types, {"TILE": TILE}, {}),
        target=TARGET,
        options={"enable_fp_fusion": False},
    )
    return counted(made.asm["ptx"], {quotient(program.steps[step.operands[0]].value) for step in fractions(program)})


def fractions(program: Program) -> list[Step]:
    return [step for step in program.steps if step.name == "fraction" and step.dtype == "float32"]


def counted(text: str, quotients: set[str]) -> dict[str, int]:
    """Count instructions; of the texts in braces, which are written in the source, only these quotients are one."""
    found = Counter(re.findall(r"^\s+(?:@!?%\w+ )?([a-z][\w.:]*)", text, re.MULTILINE))
    for block in re.findall(r"^\s+(\{.*\})", text, re.MULTILINE):
        result, x = re.search(r"mov\.f32 (%\w+), q;", block), re.search(r"rcp\.\S+ y, (%\w+);", block)
        given = block.replace(f"{x[1]};", "$1;").replace(f"{result[1]},", "$0,") if result and x else block
        if given in quotients:
            found["fraction"] += 1
        else:
            found.update(re.findall(r"([a-z][\w.]*\.f32) ", block))
    return found


def instructions() -> dict[str, dict[str, int]]:
    """Of 16 bits only the first, which are computed as those of float32 are."""
    made, seen = {}, set()
    for name, (_, distribution, dtype) in zip(IDS, CASES, strict=True):
        form = FORMATS[dtype]
        program = recorded(distribution, form).program
        key = (form.name, "normal") if form.is_narrow else (form.real, program)
        if key not in seen and (not form.is_narrow or name.startswith("normal ")):
            made[name] = ptx(program, form.real)
            seen.add(key)
    program = recorded(CASES[0][1], FORMATS["float32"]).program
    made["runs"] = ptx(program, "float32", 4, one_run=False)
    made["keys"] = ptx(_KEYS.program, "int64")
    return made


class Absent:
    """The driver of a GPU that is not there."""

    def get_current_target(self) -> GPUTarget:
        return TARGET

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, _: int) -> int:
        return 0


def times_compiled() -> int:
    """Return how often the kernel of a normal in float32 is compiled for any parameters, seeds and sizes."""
    triton.runtime.driver.set_active(Absent())
    launch = JITFunction.run
    JITFunction.run = lambda self, *args, **options: launch(self, *args, **options | {"warmup": True})
    for std in (1.0, 0.02, 0.0625):
        for size in (1, 2, 8, 1000, 1 << 20):
            draw = Draw(Normal(0.0, std), Seed((size, 2**40)), FORMATS["float32"], (size,), (0,))
            fill_device(torch.empty(size + 1)[1:], draw)
            fill_device(torch.empty(size), draw)
    compiled = kernel(recorded(Normal(0.0, 1.0), FORMATS["float32"]).program, "float32", 1, one_run=True)
    return sum(len(kernels) for kernels, *_ in compiled.device_caches.values())


if __name__ == "__main__":
    wrong = "\t{ " + quotient(0.5).replace("$1", "%r1").replace("$0", "%r2").removeprefix("{ ")
    made = {
        "instructions": instructions(),
        "fractions": len(fractions(recorded(Normal(0.0, 1.0), FORMATS["float32"]).program)),
        "times_compiled": times_compiled(),
        "another quotient": counted(wrong, {quotient(0.25)}),
    }
    print(json.dumps(made))  # noqa: T201
