"""Compile every kernel, for which no GPU is needed, and print the instructions of each, and how many, as JSON."""

from __future__ import annotations

import json
import re
from collections import Counter

import triton
from programs import CASES, IDS
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from arrayinit.backends.torch_triton import _KEYS
from arrayinit.core.dtypes import FORMATS
from arrayinit.random.program import Program, traced
from arrayinit.random.triton import TILE, kernel

POINTERS = {"float16": "*fp16", "bfloat16": "*i16", "float32": "*fp32", "float64": "*fp64", "int64": "*i64"}


def ptx(program: Program, stored: str, rank: int = 1, *, one_run: bool = True) -> dict[str, int]:
    """Return how many there are of each instruction of a kernel."""
    compiled = kernel(program, stored, rank, one_run=one_run)
    types = {p.name: p.annotation_type for p in compiled.params} | {"memory": POINTERS[stored], "TILE": "constexpr"}
    # Nothing that is known only when a kernel runs may be compiled into it.
    assert all(p.do_not_specialize or p.name == "TILE" for p in compiled.params)
    assert all(types.values())
    made = triton.compile(
        ASTSource(compiled, types, {"TILE": TILE}, {}),
        target=GPUTarget("cuda", 90, 32),
        options={"enable_fp_fusion": False},
    )
    return Counter(re.findall(r"^\s+(?:@!?%\w+ )?([a-z][\w.:]*)", made.asm["ptx"], re.MULTILINE))


def main() -> None:
    """Of 16 bits only the first, which are computed as those of float32 are."""
    made, seen = {}, set()
    for name, (_, distribution, dtype) in zip(IDS, CASES, strict=True):
        form = FORMATS[dtype]
        program = traced(distribution, form).program
        key = (form.name, "normal") if form.is_narrow else (form.real, program)
        if key not in seen and (not form.is_narrow or name.startswith("normal ")):
            made[name] = ptx(program, form.real)
            seen.add(key)
    program = traced(CASES[0][1], FORMATS["float32"]).program
    made["runs"] = ptx(program, "float32", 4, one_run=False)
    made["keys"] = ptx(_KEYS.program, "int64")
    print(json.dumps(made))  # noqa: T201


if __name__ == "__main__":
    main()
