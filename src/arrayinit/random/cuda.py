"""The portable stream as CUDA C++: one kernel for each program and dtype, whatever the parameters and the shape.

A thread makes the words of one block of the counter, and the elements of a box that take them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from string import Template
from typing import Any, NamedTuple

import numpy as np

from arrayinit.core.dtypes import FORMATS
from arrayinit.random.boxes import merged_axes
from arrayinit.random.cuda_text import ARITHMETIC, COMMON, KERNEL
from arrayinit.random.program import Program, Step, Traced
from arrayinit.random.seeds import Key
from arrayinit.random.words import MULTIPLIERS, ROUNDS, WEYL, neighbours, per_block

AXES = 33
"""CuPy's arrays have up to 32 axes, and one goes before those that are merged."""

THREADS = 256
"""Threads to a block of the grid."""

_BOX = np.dtype(
    [(name, "u8") for name in ("low", "high", "first", "rows", "blocks", "run")]
    + [("outer", "i4"), ("axes", "i4"), ("size", "u8", AXES), ("apart", "u8", AXES), ("stride", "i8", AXES)]
)


class Launch(NamedTuple):
    """How many blocks of the grid a kernel needs, and what it takes, by value, after the memory to be filled."""

    grid: int
    box: np.ndarray[Any, Any]
    numbers: np.ndarray[Any, Any]


def launch(
    draw: Traced, key: Key, sizes: Sequence[int], strides: Sequence[int], shape: Sequence[int], corner: Sequence[int]
) -> Launch:
    """Fit the kernel of a program to a box, not empty, that begins at ``corner`` of a logical array of this ``shape``.

    ``strides`` are those of the memory, in bytes, of either sign.
    """
    words = per_block(draw.program.word)
    sizes, strides, wholes, firsts = merged_axes(sizes, strides, shape, corner)
    outer, run = neighbours(wholes, sizes)
    # Each row of neighbours may begin anywhere in a block.
    rows, blocks = math.prod(sizes[:outer]), (run + 2 * (words - 1)) // words
    apart = [math.prod(wholes[k + 1 :]) for k in range(len(wholes))]
    first = sum(i * step for i, step in zip(firsts, apart, strict=True))
    axes = ([*values, *[0] * (AXES - len(values))] for values in (sizes, apart, strides))
    box = np.array((*key, first, rows, blocks, run, outer, len(sizes), *axes), _BOX)
    numbers = draw.numbers or (0.0,)
    real = "f8" if words == 4 else "f4"
    return Launch(-(-rows * blocks // THREADS), box, np.array((numbers,), [("value", real, len(numbers))]))


def source(program: Program, dtype: str) -> str:
    """Return the kernel ``draw``, which stores in this dtype what a program makes."""
    return ARITHMETIC + COMMON + kernel(program, dtype)


def kernel(program: Program, dtype: str) -> str:
    """Return the part of it that is its own."""
    streams = [step.operands[0] for step in program.steps if step.name == "word"]
    part, stored = _STORED[FORMATS[dtype].real if dtype in FORMATS else dtype]
    steps = [*_lines(program.steps)]
    steps += [f"made.part[{k}] = {stored.format(f'v{place}')};" for k, place in enumerate(program.outputs)]
    return Template(KERNEL).substitute(
        axes=AXES,
        per_block=per_block(program.word),
        rounds=ROUNDS,
        **dict(zip(("first", "second"), map("{:#x}ull".format, MULTIPLIERS), strict=True)),
        **dict(zip(("step_low", "step_high"), map("{:#x}ull".format, WEYL), strict=True)),
        word=_TYPES[program.word],
        real="double" if program.word == "uint64" else "float",
        numbers=max(1, sum(step.name == "number" for step in program.steps)),
        part=part,
        parts=len(program.outputs),
        streams=len(streams),
        parameters=", ".join(f"Word w{k}" for k in streams),
        steps="\n".join(f"    {line}" for line in steps),
        words="\n".join(f"    philox(block, {k}, box.low, box.high, words[{i}]);" for i, k in enumerate(streams)),
        arguments=", ".join(f"word(words[{i}], k)" for i in range(len(streams))),
    )


def _lines(steps: Sequence[Step]) -> Iterator[str]:
    """Yield the steps as statements, those that a mask guards in a branch."""
    guard = None
    for place, step in enumerate(steps):
        if step.guard != guard:
            if guard is not None:
                yield "}"
            if step.guard is not None:
                guarded = [(k, other) for k, other in enumerate(steps) if other.guard == step.guard]
                yield from (f"{_TYPES[other.dtype]} v{k};" for k, other in guarded)
                yield f"if (v{step.guard}) {{"
            guard = step.guard
        declared = "" if guard is not None else f"{_TYPES[step.dtype]} "
        yield f"{declared}v{place} = {_expression(step)};"


def _expression(step: Step) -> str:
    first, *_ = step.operands
    match step.name:
        case "word":
            return f"w{first}"
        case "number":
            return f"numbers.value[{first}]"
        case "integer":
            return f"({_TYPES[step.dtype]}) {first % 2**64:#x}ull"
        case "bits":
            return f"{step.dtype}(v{first})"
        case "convert":
            return f"({_TYPES[step.dtype]}) v{first}"
        case "where":
            return "v{} ? v{} : v{}".format(*step.operands)
        case name:
            return f"{name}_({', '.join(f'v{k}' for k in step.operands)})"


_TYPES = {
    "bool": "bool",
    "int32": "int",
    "uint32": "unsigned int",
    "int64": "long long",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
}

# The type of what is stored, and how it is made.
_STORED = {
    "float16": ("unsigned short", "float16({})"),
    "bfloat16": ("unsigned short", "bfloat16({})"),
    **{name: (_TYPES[name], "{}") for name in ("float32", "float64", "uint32")},
}
